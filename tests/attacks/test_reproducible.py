"""A seed gives the same bits for every attack on every random network, whatever torch's own generator holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.parts.stances import STANCES
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, Summary, load, prepare_both, run
from gradleak_core.experiment import threads as number_of_threads
from gradleak_core.models import MODELS
from gradleak_core.speed import threads
from gradleak_core.types import Finished, Frame, Progress

pytestmark = pytest.mark.contract

DEFENDED = {"precode": {"width": 8}, "dropout": {"p": 0.5, "place": "both"}}
MODEL = {"gradinversion": "convnet"}


def small(name: str, defence: str, stance: str | None, seed: int = 3) -> Experiment:
    attack = RECIPES[name]
    attack = replace(attack, steps=3, restarts=2, stance=STANCES[stance]() if stance else attack.stance)
    return Experiment(
        images=("sample:chelsea",), size=16, channels=1, classes=4, labels=(1,), seed=seed, attack=attack,
        model=MODELS[MODEL.get(name, "lenet")](), defences=(DEFENCES[defence](**DEFENDED[defence]),),
    )  # fmt: skip


def bits(experiment: Experiment) -> list[Any]:
    """All that a run says: losses and images of every iteration, and the pick with its draws."""
    said: list[Any] = []
    for event in run(experiment, due=lambda i: True):
        if isinstance(event, Progress):
            said += [*event.losses.values(), event.guess().images, *event.pick().latents.values()]
        elif isinstance(event, Frame):
            said += [
                event.images,
                *map(torch.tensor, event.metrics.values()),
                *map(torch.tensor, event.layers.values()),
            ]
        elif isinstance(event, Finished):
            said += [event.pick.images, event.pick.labels, *event.pick.latents.values(), torch.tensor(event.distance)]
    return said


def test_a_result_run_again_takes_the_threads_it_had_whatever_was_measured_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path))
    monkeypatch.setattr(threads, "ALL_THREADS", 4)
    experiment = replace(small("inverting_gradients", "precode", None), attack=replace(RECIPES["idlg"], steps=1))
    for measured, wanted in ((2, 2), (4, 2)):  # what is wanted is the first run's number
        threads.keep_choices({experiment.model.title: {1: measured}})
        summary = Summary(experiment, "cpu")
        for event in run(experiment):
            summary.add(event, 0)
            if isinstance(event, Progress):
                assert torch.get_num_threads() == wanted
        experiment = load(summary.json()["experiment"])
        assert experiment.threads == wanted


def test_a_result_run_again_shares_its_seeds_among_as_many_threads() -> None:
    chosen = [
        number_of_threads(replace(small("inverting_gradients", "precode", None), threads=asked)) for asked in (0, 1, 9)
    ]
    assert chosen == [min(2, threads.ALL_THREADS), 1, 2]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("defence", DEFENDED)
@pytest.mark.parametrize("stance", [None, "guess", "solve"])
def test_one_seed_gives_the_same_bits(name: str, defence: str, stance: str | None) -> None:
    experiment = small(name, defence, stance)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = bits(experiment)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    second = bits(experiment)
    assert len(first) == len(second) > 6
    assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("defence", DEFENDED)
@pytest.mark.parametrize("stance", ["guess", "solve"])
def test_another_seed_gives_others(defence: str, stance: str) -> None:
    first, second = (bits(small("inverting_gradients", defence, stance, seed)) for seed in (3, 4))
    assert not torch.equal(first[0], second[0])


@pytest.mark.parametrize("kind", DEFENCES)
def test_preparing_leaves_torchs_generator_alone_and_asks_it_nothing(kind: str) -> None:
    experiment = replace(
        small("inverting_gradients", "precode", None),
        images=("sample:chelsea", "sample:coffee"), labels=(0, 1), defences=(DEFENCES[kind](),),
    )  # fmt: skip
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = prepare_both(experiment)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    second = prepare_both(experiment)
    for one, other in (
        (first.observation.update, second.observation.update),
        (first.secret.latents, second.secret.latents),
        (first.model.state_dict(), second.model.state_dict()),
    ):
        assert list(one) == list(other)
        assert all(torch.equal(v, other[k]) for k, v in one.items())
