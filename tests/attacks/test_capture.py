"""A step may be recorded: it does the same operations whatever the values are."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.inversion.objective import Objective
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.models import MODELS
from gradleak_core.speed import recording as capture
from gradleak_core.speed.recording import RECORDED_AT, RecordedStep, Step, VerifiedReplay
from gradleak_core.speed.script import to_torchscript
from gradleak_core.types import ClientStep, Finished

pytestmark = pytest.mark.contract

SEEDS = 3
COUNT = itertools.count()
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
    both, recipe = prepare_both(known, device), known.attack
    assert isinstance(recipe, Recipe)
    generator = torch.Generator().manual_seed(5)
    labels = recipe.labels.read(both.model, both.observation)
    space = Space(recipe.unknowns, labels, both.observation, recipe.stance, both.model, generator)
    parts = recipe.distance, recipe.matched, recipe.priors
    return Objective(*parts, both.model, both.observation, space, SEEDS), space


def everything(target: Objective, space: Space) -> Step:
    """Match, priors, loss and gradients at z, for some weights and a consensus."""
    consensus = space.candidate(next(points(space, 1))).images.mean(0)

    def step(z: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        distance, grad = target.distance(z)
        return distance, grad, *target.with_priors(z, distance, grad, weights, consensus)

    return step


def points(space: Space, count: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(6)
    for _ in range(count):
        yield space.start(SEEDS, generator)


@pytest.mark.parametrize(("name", "model"), [(n, m) for n in RECIPES for m in fitting(n)])
def test_what_was_recorded_at_one_point_holds_at_another(name: str, model: str) -> None:
    """A `.item()`, a branch on a value or a draw would be frozen into the recording, and the replay go wrong."""
    target, space = objective(experiment(name, model))
    first, second = points(space, 2)
    weights = torch.linspace(0.5, 1.5, len(target.priors))
    step = everything(target, space)
    recorded = to_torchscript(step, first, weights / 3)
    found = step(second, weights)
    assert_same(recorded(second, weights), found)
    assert not torch.equal(recorded(first, weights)[0], found[0])


@pytest.mark.parametrize(
    "model", [pytest.param(kind, marks=[pytest.mark.sweep] * (kind == "resnet18")) for kind in MODELS]
)
@pytest.mark.parametrize(("restarts", "steps"), [(1, 1), (2, 1), (2, 2)])
def test_every_network_can_be_recorded(model: str, restarts: int, steps: int) -> None:
    known = replace(
        experiment("inverting_gradients", model), images=("sample:rocket",), client=ClientStep(local_epochs=steps)
    )
    target, space = objective(known)
    first, second = (z[:restarts] for z in points(space, 2))
    weights = torch.ones(len(target.priors))
    step = everything(target, space)
    assert_same(to_torchscript(step, first, weights)(second, weights), step(second, weights))


def assert_same(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize("name", ["inverting_gradients", "idlg", "gradinversion"])
def test_a_run_is_the_same_with_its_step_recorded(
    name: str, restarts: int, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    known = experiment(name, "convnet")
    attack = replace(RECIPES[name], restarts=restarts, steps=RECORDED_AT + 6)
    both = prepare_both(known)
    ends: list[Finished] = []
    for first in (RECORDED_AT, 10**6):
        monkeypatch.setattr(capture, "RECORDED_AT", first)
        *_, end = attack.run(both.model, both.observation, seed=9)
        assert isinstance(end, Finished)
        ends.append(end)
    assert torch.equal(ends[0].pick.images, ends[1].pick.images)
    assert ends[0].distance == ends[1].distance
    assert not recwarn.list


def test_without_torchscript_everything_runs_and_nobody_is_warned(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    known = experiment("inverting_gradients", "lenet")
    attack = replace(RECIPES["inverting_gradients"], restarts=SEEDS, steps=RECORDED_AT + 6)
    both = prepare_both(known)
    *_, recorded = attack.run(both.model, both.observation, seed=9)
    monkeypatch.delattr(torch.jit, "optimized_execution")
    monkeypatch.delitem(sys.modules, "gradleak_core.speed.script")
    *_, plain = attack.run(both.model, both.observation, seed=9)
    assert isinstance(recorded, Finished)
    assert isinstance(plain, Finished)
    assert torch.equal(recorded.pick.images, plain.pick.images)
    assert "gradleak_core.speed.script" not in sys.modules
    assert not recwarn.list


class TestVerifiedReplay:
    point = torch.tensor([1.0, -2.0, torch.nan])

    def repeated(self, step: Step) -> tuple[VerifiedReplay, Tensor]:
        replay = VerifiedReplay(step)
        for number in range(RECORDED_AT + 1):
            replay(self.point + number)
        return replay, replay(self.point)[0]

    def test_it_becomes_a_program(self) -> None:
        replay, found = self.repeated(lambda x: (x * x + 1,))
        assert replay.best is not replay.step
        torch.testing.assert_close(found, self.point**2 + 1, rtol=0, atol=0, equal_nan=True)

    def test_whatever_an_operation_takes_and_gives_is_written_down(self) -> None:
        places = torch.tensor([2, 0])

        def step(x: Tensor) -> tuple[Tensor, ...]:
            first, *rest = x.clamp(-math.inf, 4).split([1, 2])  # infinity, a list of tensors
            torch._foreach_mul_([first, *rest], [2.0, 3.0])  # nothing given back
            picked = torch.stack([x, x], 1)[:, None][places]  # absent tensors in a list
            image = torch.ones(2, 3, 4, 4).mul(x.sum()).contiguous(memory_format=torch.channels_last)
            largest, where = picked.float().max(0)
            return x, first, rest[0], picked, image, largest, where, x.to(torch.float64), places

        points = torch.tensor([1.0, -2.0, 5.0]), torch.tensor([7.0, 0.5, -1.0])
        recorded, (_, other) = to_torchscript(step, points[0]), points
        for a, b in zip(recorded(other), step(other), strict=True):
            assert (a.dtype, a.stride()) == (b.dtype, b.stride())
            assert torch.equal(a, b)

    @pytest.mark.parametrize(
        ("step", "why"),
        [
            (lambda x: (x * float(x[0]),), "looks at a value"),
            (lambda x: (x * next(COUNT),), "other values"),
            (lambda x: (x + torch.rand(3, generator=torch.Generator()),), "generator"),
        ],
    )
    def test_what_cannot_be_recorded_stays_as_it_is_with_a_warning(self, step: Step, why: str) -> None:
        with pytest.warns(UserWarning, match=why):
            replay, _ = self.repeated(step)
        assert replay.best is step

    def test_each_set_of_shapes_has_its_own(self) -> None:
        recorded = RecordedStep(lambda x: (x.sum(0), x.flip(0)[:1]))
        for number in range(2 * RECORDED_AT + 4):
            x = torch.arange(4.0 + number % 2)
            total, last = recorded(x)
            assert (total, last) == (x.sum(), x[-1:])
        assert len(recorded.recordings) == 2

    def test_inside_a_larger_step_it_is_a_part_of_that(self) -> None:
        inner = RecordedStep(lambda x: (x + 1,))
        outer = RecordedStep(lambda x: (inner(x)[0] * 2,))
        for number in range(RECORDED_AT + 3):
            assert outer(torch.tensor([float(number)]))[0].item() == 2 * number + 2
        assert not inner.recordings


@CUDA
@pytest.mark.parametrize("name", ["dlg", "inverting_gradients", "gradinversion"])
def test_a_replay_gives_what_the_step_gives(name: str) -> None:
    target, space = objective(experiment(name, "convnet"), "cuda")
    assert isinstance(target.matching, RecordedStep)
    step = target.matching.step
    recorded = RecordedStep(step)
    for z in points(space, 3):
        torch.testing.assert_close(recorded(z.cuda()), step(z.cuda()), rtol=1e-4, atol=1e-6)


@CUDA
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_no_iteration_waits_for_the_device() -> None:
    known = experiment("inverting_gradients", "lenet")
    both = prepare_both(known, "cuda")
    events = replace(RECIPES["inverting_gradients"], steps=9).run(both.model, both.observation, seed=1)
    for _ in range(3):
        next(events)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(4):
            assert not isinstance(next(events), Finished)
    finally:
        torch.cuda.set_sync_debug_mode("default")
