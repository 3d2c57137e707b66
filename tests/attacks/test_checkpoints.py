"""A run that was left at a checkpoint and taken up again ends with the same bits as one that was not."""

from __future__ import annotations

import io
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.parts.stances import STANCES
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, run
from gradleak_core.models import MODELS
from gradleak_core.threat import ThreatModel
from gradleak_core.types import Checkpoint, Finished, Frame, Progress, Saved

STEPS, LEFT = 40, 20
"""The iterations of a run, and those after which it is left. Most attacks are recorded in between."""


def play(experiment: Experiment, saved: Saved | None = None) -> tuple[list[list[Tensor]], bytes]:
    """Returns the numbers and pictures of every iteration and of the end, and what was written down at `LEFT`."""
    said, kept = [], io.BytesIO()
    for event in run(experiment, begin=saved):
        if isinstance(event, Progress):
            said.append([value.clone() for value in (*event.losses.values(), event.best, event.guess().images)])
        elif isinstance(event, Checkpoint) and event.iteration == LEFT:
            torch.save(event.save(), kept)
        elif isinstance(event, Finished):
            said.append([event.pick.images, event.pick.labels, torch.tensor([event.distance, event.fell])])
    return said, kept.getvalue()


def check_both_ways(experiment: Experiment) -> None:
    whole, kept = play(experiment)
    rest, _ = play(experiment, torch.load(io.BytesIO(kept), weights_only=True))
    assert len(whole) == STEPS + 1
    assert len(rest) == STEPS - LEFT + 1
    for unbroken, resumed in zip(whole[LEFT:], rest, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(unbroken, resumed, strict=True))


@pytest.mark.parametrize(("name", "restarts"), [*((name, 1) for name in RECIPES), ("idlg", 3), ("gradinversion", 3)])
def test_every_attack_goes_on_from_a_checkpoint_with_the_same_bits(name: str, restarts: int) -> None:
    precode = "precode" in name
    defences = [DEFENCES["precode"](width=8)] if precode else [DEFENCES["dropout"](p=0.3)] if "drop" in name else []
    check_both_ways(Experiment(
        images=("sample:chelsea",), size=16, channels=1, classes=4, labels=(1,), seed=5, threads=min(restarts, 2),
        model=MODELS["convnet" if name == "gradinversion" else "lenet"](), defences=tuple(defences),
        attack=replace(RECIPES[name], steps=STEPS, restarts=restarts),
    ))  # fmt: skip


@pytest.mark.parametrize("stance", list(STANCES))
def test_draws_go_on_as_they_would_have(stance: str) -> None:
    check_both_ways(Experiment(
        images=("sample:coffee",), size=16, channels=1, classes=4, labels=(2,), seed=6, threads=1,
        defences=(DEFENCES["dropout"](p=0.5, place="both"),),
        attack=replace(RECIPES["inverting_gradients"], steps=STEPS, stance=STANCES[stance]()),
    ))  # fmt: skip


def test_several_rounds_go_on_as_they_would_have() -> None:
    check_both_ways(Experiment(
        images=("sample:flower",), size=16, channels=1, classes=4, labels=(0,), seed=7, threads=1,
        threat=ThreatModel(rounds=2), attack=replace(RECIPES["idlg"], steps=STEPS),
    ))  # fmt: skip


def test_when_a_run_was_recognisable_does_not_depend_on_where_it_was_left() -> None:
    """The onlooker's looks are at the same iterations, before and after."""
    experiment = Experiment(images=("sample:chelsea",), seed=3, threads=1, attack=replace(RECIPES["idlg"], steps=120))
    moments, states = [], {}
    for event in run(experiment):
        if isinstance(event, Checkpoint):
            states[event.iteration] = deepcopy(event.save())
        elif isinstance(event, Frame) and event.recognised:
            moments.append(event.iteration)
    (moment,) = moments
    for left in (10, (moment - 1) // 10 * 10):
        resumed = run(experiment, begin=states[left])
        assert [event.iteration for event in resumed if isinstance(event, Frame) and event.recognised] == moments
