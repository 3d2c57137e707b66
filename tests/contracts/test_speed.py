"""What is quick gives what is plain: every attack on every network, in double precision."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gradleak_core import speed
from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.priors import BatchStatistics
from gradleak_core.client import draw_latents, observe
from gradleak_core.config.knobs import refusals
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, RULES, Experiment
from gradleak_core.models import MODELS, build
from gradleak_core.speed.parallel import Shared
from gradleak_core.speed.recording import RECORDED_AT, RecordedStep
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep, Finished, Observation, Progress, Secret

SHAPE, CLASSES, ITERATIONS = (3, 16, 16), 5, 15
assert RECORDED_AT < ITERATIONS  # so that the last iterations are replayed


def accepted(attack: Recipe, kind: str) -> bool:
    whole = CODEC.encode(Experiment(images=("sample:coffee",), model=MODELS[kind](), attack=attack))
    return not refusals(whole, whole, RULES)


def victim(attack: Recipe, kind: str, step: ClientStep) -> tuple[torch.nn.Module, Observation]:
    """A network in double precision, with dropout where the attack solves for it, and its update for one picture."""
    model = build(MODELS[kind](), SHAPE, CLASSES, seed=61)
    if attack.stance.solved:
        torch.manual_seed(62)
        model = DEFENCES["dropout"]().harden(model)
    model = model.train(step.train).double()
    images = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(63), dtype=torch.float64)
    draws = draw_latents(model, images, step, torch.Generator().manual_seed(64))
    secret = Secret(images, torch.tensor([3]), {k: v.double() for k, v in draws.items()})
    told = [name for name, part in (("labels", attack.labels), ("latents", attack.stance)) if part.told]
    by_statistics = any(isinstance(prior, BatchStatistics) for prior in attack.priors)
    threat = ThreatModel(statistics="told" if by_statistics else "unknown")
    return model, observe(model, secret, step, (), classes=CLASSES, told=told, seed=65, threat=threat)


def found(attack: Recipe, kind: str, step: ClientStep) -> tuple[Tensor, Tensor]:
    """The distance at every iteration (iterations, S), and the pictures handed in."""
    model, observation = victim(attack, kind, step)
    *_, last = events = list(attack.run(model, observation, seed=66))
    assert isinstance(last, Finished)
    return torch.stack([e.losses["distance"] for e in events if isinstance(e, Progress)]), last.pick.images


def case(name: str, kind: str, restarts: int) -> Any:
    """A case of the whole sweep; those outside the corners below run with `make test-whole`, for they take minutes."""
    corner = kind == "lenet" or (name == "inverting_gradients" and (kind, restarts) in CORNERS)
    return pytest.param(name, kind, restarts, marks=[] if corner else [pytest.mark.sweep])


CORNERS = [("convnet", 1), ("convnet", 3), ("mlp", 3), ("resnet20", 1), ("vit", 1)]
PAIRS = [(name, kind) for name, attack in RECIPES.items() for kind in MODELS if accepted(attack, kind)]


@pytest.mark.parametrize(("name", "kind", "restarts"), [case(*pair, restarts) for pair in PAIRS for restarts in (1, 3)])
def test_quick_and_plain_agree(name: str, kind: str, restarts: int) -> None:
    attack = replace(RECIPES[name], steps=ITERATIONS, restarts=restarts)
    agree(attack, kind, ClientStep())


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("kind", ["lenet", "convnet"])
def test_they_agree_over_local_steps_in_train_mode(kind: str, restarts: int) -> None:
    attack = replace(RECIPES["inverting_gradients"], steps=ITERATIONS, restarts=restarts)
    agree(attack, kind, ClientStep(local_epochs=2, lr=0.1, train=True))


def agree(attack: Recipe, kind: str, step: ClientStep) -> None:
    """The distance at every iteration, and what is handed in, are the same but for rounding."""
    quick, pictures = found(attack, kind, step)
    with speed.plain():
        plain, expected = found(attack, kind, step)
    torch.testing.assert_close(quick, plain, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(pictures, expected, rtol=0, atol=1e-6)


def test_both_doors_are_shut_by_plain_and_by_the_environment() -> None:
    model, observation = victim(RECIPES["idlg"], "lenet", ClientStep())

    def doors() -> tuple[bool, bool, bool]:
        updates = speed.updates(model, observation, by_products=False)
        step = speed.faster(lambda z: (z,), fixed=True)
        with speed.side_by_side(lambda model, z: model, model, torch.zeros(2, 3), fixed=True) as work:
            return updates is None, not isinstance(step, RecordedStep), not isinstance(work, Shared)

    torch.set_num_threads(2)
    try:
        assert doors() == (False, False, False)
        with speed.plain():
            assert doors() == (True, True, True)
    finally:
        torch.set_num_threads(1)
    code = "from gradleak_core import speed; print(speed.SHUT.get())"
    environment = os.environ | {"GRADLEAK_SPEED": "off"}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment).strip() == b"True"
