"""A step may be recorded: it does the same operations whatever the values are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from gradleak_core.attacks import ATTACKS
from gradleak_core.attacks.capture import Captured
from gradleak_core.attacks.objective import Objective
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.attacks.recipe import Recipe
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, prepare
from gradleak_core.models import MODELS
from gradleak_core.types import Finished

RECIPES = {name: attack for name, attack in ATTACKS.items() if isinstance(attack, Recipe)}
SEEDS = 3
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def fitting(name: str) -> tuple[str, ...]:
    """Models the attack is for: statistics before batch norm need a batch norm."""
    return ("convnet",) if name == "gradinversion" else ("lenet", "mlp")


def experiment(name: str, model: str) -> Experiment:
    """A small experiment that the attack can be run on, with other weights than the defaults were chosen on."""
    stochastic = RECIPES[name].stance.solved or "precode" in name
    defences = (DEFENCES["precode" if "precode" in name else "dropout"](),) if stochastic else ()
    images = ("sample:coffee",) if name == "dropout_readoff" else ("sample:coffee", "sample:flower")
    return Experiment(images=images, model=MODELS[model](), size=32, attack=RECIPES[name], defences=defences, seed=731)


def objective(known: Experiment, device: str = "cpu") -> tuple[Objective, Space]:
    both, recipe = prepare(known, device), known.attack
    assert isinstance(recipe, Recipe)
    generator = torch.Generator().manual_seed(5)
    labels = recipe.labels.read(both.model, both.observation)
    space = Space(recipe.unknowns, labels, both.observation, recipe.stance, both.model, generator)
    return Objective(recipe, both.model, both.observation, space), space


def points(space: Space, count: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(6)
    for _ in range(count):
        yield space.start(SEEDS, generator)


@pytest.mark.parametrize(("name", "model"), [(n, m) for n in RECIPES for m in fitting(n)])
def test_what_was_recorded_at_one_point_holds_at_another(name: str, model: str) -> None:
    """A `.item()`, a branch on a value or a draw would be frozen into the recording, and the replay go wrong."""
    target, space = objective(experiment(name, model))
    first, second = points(space, 2)
    step, weights = target.terms[0].compute, torch.linspace(0.5, 1.5, len(target.lone))
    recorded = make_fx(lambda *given: step(*given))(first, weights / 3)
    match, *rest = step(second, weights)
    torch.testing.assert_close(recorded(second, weights), (match, *rest), rtol=1e-5, atol=1e-7)
    assert not torch.equal(recorded(first, weights)[0], match)
    if target.joint:
        weights = torch.linspace(0.5, 1.5, len(target.joint))
        believed = make_fx(lambda *given: target.group(*given))(first, match, weights / 3)
        torch.testing.assert_close(
            believed(second, match, weights), target.group(second, match, weights), rtol=1e-5, atol=1e-7
        )


@CUDA
@pytest.mark.parametrize("name", ["dlg", "inverting_gradients", "gradinversion"])
def test_a_replay_gives_what_the_step_gives(name: str) -> None:
    target, space = objective(experiment(name, "convnet"), "cuda")
    step, weights = target.terms[0].compute, torch.ones(len(target.lone), device="cuda")
    captured = Captured(step)
    for z in points(space, 3):
        torch.testing.assert_close(captured(z.cuda(), weights), step(z.cuda(), weights), rtol=1e-4, atol=1e-6)


@CUDA
def test_no_iteration_waits_for_the_device() -> None:
    known = experiment("inverting_gradients", "lenet")
    both = prepare(known, "cuda")
    events = replace(RECIPES["inverting_gradients"], steps=9).run(both.model, both.observation, seed=1)
    for _ in range(3):
        next(events)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(4):
            assert not isinstance(next(events), Finished)
    finally:
        torch.cuda.set_sync_debug_mode("default")
