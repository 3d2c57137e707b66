"""No attack needs a number that Apple's GPU lacks, and where a device fails the CPU takes over and says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.distances import DISTANCES
from gradleak_core.attacks.parts.priors import PRIORS
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, Summary, run
from gradleak_core.models import MODELS
from gradleak_core.models.convnet import ConvNet
from gradleak_core.speed.mode import OperationMode
from gradleak_core.types import Candidate, Event, Finished, Progress, Started

pytestmark = pytest.mark.contract

ABSENT = "cuda" if torch.backends.mps.is_available() else "mps"
"""A device that is not here, on which the first step of a run fails."""


class SinglePrecision(OperationMode):
    """A device without numbers of 64 bits: every operation that gives one raises."""

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = op(*args, **(kwargs or {}))
        for value in tree_leaves(found):
            if isinstance(value, torch.Tensor) and value.dtype in (torch.float64, torch.complex128):
                raise TypeError(f"{op} gives {value.dtype}, which this device does not have")
        return found


def played(experiment: Experiment, device: str = "cpu") -> list[Event]:
    return list(run(experiment, device=device, due=lambda i: i == 1))


def short(attack: Recipe, restarts: int = 2) -> Recipe:
    """Long enough for a step to be recorded."""
    return replace(attack, steps=13, restarts=restarts, goal=0.0)


@pytest.mark.parametrize("name", RECIPES)
def test_no_attack_needs_double_precision(name: str) -> None:
    model = ConvNet(width=4) if name == "gradinversion" else MODELS["lenet"]()
    defences = tuple(defence() for kind, defence in DEFENCES.items() if name.startswith(kind))
    experiment = Experiment(size=16, model=model, defences=defences, attack=short(RECIPES[name]))
    with SinglePrecision():
        assert isinstance(played(experiment)[-1], Finished)


@pytest.mark.parametrize("distance", DISTANCES)
def test_no_part_needs_double_precision(distance: str) -> None:
    attack = replace(
        short(RECIPES["inverting_gradients"]), distance=DISTANCES[distance](), steps=2,
        priors=tuple(prior() for prior in PRIORS.values()),
    )  # fmt: skip
    with SinglePrecision():
        assert isinstance(played(Experiment(size=16, model=ConvNet(width=4), attack=attack))[-1], Finished)


@pytest.mark.parametrize("kind", MODELS)
def test_no_network_needs_double_precision(kind: str) -> None:
    attack = replace(short(RECIPES["idlg"], restarts=1), steps=2)
    with SinglePrecision():
        assert isinstance(played(Experiment(size=16, model=MODELS[kind](), attack=attack))[-1], Finished)


@pytest.mark.parametrize("kind", DEFENCES)
def test_no_defence_needs_double_precision(kind: str) -> None:
    attack = replace(short(RECIPES["idlg"], restarts=1), steps=2)
    experiment = Experiment(
        images=("sample:chelsea", "sample:coffee"), size=16, defences=(DEFENCES[kind](),), attack=attack
    )
    with SinglePrecision():
        assert isinstance(played(experiment)[-1], Finished)


def test_the_cpu_takes_over_from_a_device_that_fails_and_says_so() -> None:
    experiment = Experiment(size=16, attack=short(RECIPES["idlg"], restarts=1))
    events, alone = played(experiment, ABSENT), played(experiment)
    assert [type(event) for event in events] == [type(event) for event in alone]
    summary = Summary(experiment, ABSENT)
    for event in events:
        summary.add(event, 0)
    result = summary.json()
    assert result["device"] == "cpu"
    assert result["remark"].startswith(f"The CPU took over, because this cannot be computed on {ABSENT} (")
    ends = [event.distance for event in (events[-1], alone[-1]) if isinstance(event, Finished)]
    assert ends[0] == ends[1]


def test_what_fails_later_is_not_begun_anew() -> None:
    class Breaking:
        name, restarts, told = "breaking", 1, ()

        def run(self, *given: Any, **named: Any) -> Any:
            yield Started(3, 1, ("distance",))
            nothing = torch.zeros(1)
            black = Candidate(torch.zeros(1, 1, 3, 16, 16), torch.zeros(1, 1, 10), {})
            for iteration in (1, 2):
                yield Progress(iteration, {"distance": nothing}, nothing, nothing, lambda: black, lambda: black)
            raise RuntimeError("a wire has burnt")

    events = run(Experiment(size=16, attack=Breaking()), device="cpu:0")  # a device beside "cpu", which takes over
    assert [type(next(events)) for _ in range(3)] == [Started, Progress, Progress]
    with pytest.raises(RuntimeError, match="a wire has burnt"):
        next(events)
