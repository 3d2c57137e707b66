"""Federated training under a defence: the learning rate that is chosen, the plateau it ends on, and its batch norm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment, shape
from gradleak_core.federation import (
    STEADY,
    Federation,
    accuracies,
    is_level,
    learner,
    split_pictures,
    train_to_plateau,
)
from gradleak_core.models.convnet import ConvNet
from gradleak_core.models.lenet import LeNet
from gradleak_core.models.mlp import MLP
from gradleak_core.models.resnet18 import ResNet18
from gradleak_core.types import Note, Refused

SMALL = Experiment(size=8, channels=1, model=MLP(width=32), seed=11)
FEW = Federation(rounds=60, lr=1e-2, seeds=1)
TEN = torch.arange(1000) % 10
"""The labels of a thousand pictures, a tenth of each class."""


def learnt(experiment: Experiment) -> Labelled:
    """The digits as an experiment's network sees them."""
    events: Iterator[Note] = read_labelled("digits", shape(experiment))
    while True:
        try:
            next(events)
        except StopIteration as end:
            pictures: Labelled = end.value
            return pictures


def test_a_model_at_chance_is_not_at_a_plateau_and_a_steady_one_above_it_is() -> None:
    rounds = range(25, 2 * STEADY + 1, 25)
    assert not is_level(dict.fromkeys(rounds, 0.12), TEN)
    assert is_level(dict.fromkeys(rounds, 0.9), TEN)
    assert is_level({number: 0.9 + 0.004 * (number > STEADY) for number in rounds}, TEN)
    assert not is_level({number: 0.9 + 0.02 * (number > STEADY) for number in rounds}, TEN)
    assert not is_level({number: 0.9 for number in rounds if number < STEADY}, TEN)


@pytest.mark.parametrize(("asked", "taken"), [(2e-4, 1e-3), (0.25, 0.05), (1e-2, 1e-2)])
def test_a_learning_rate_that_is_too_small_or_too_large_is_not_taken(asked: float, taken: float) -> None:
    [course] = train_to_plateau(SMALL, learnt(SMALL), replace(FEW, lr=asked))
    assert course.lr == pytest.approx(taken)


def test_training_ends_at_its_plateau_and_not_before() -> None:
    [course] = train_to_plateau(SMALL, learnt(SMALL), replace(FEW, rounds=2000))
    assert STEADY < course.rounds < 2000
    assert course.accuracy > 0.85


def test_the_held_out_pictures_decide_nothing() -> None:
    pictures = learnt(SMALL)
    other = replace(pictures, test_labels=pictures.test_labels.flip(0))
    [one], [two] = (train_to_plateau(SMALL, each, FEW) for each in (pictures, other))
    assert (one.lr, one.rounds, one.watched) == (two.lr, two.rounds, two.watched)
    assert one.accuracy > two.accuracy + 0.5


def test_the_watched_pictures_are_not_learnt_from() -> None:
    watching, held_out = split_pictures(learnt(SMALL))
    assert len(watching.labels) == len(held_out.labels)
    seen = {picture.numpy().tobytes() for picture in watching.images}
    assert not seen & {picture.numpy().tobytes() for picture in watching.test_images}
    assert len(watching.test_labels) == pytest.approx(0.25 * len(watching.labels), rel=0.05)


def test_seeds_differ_and_the_same_seed_gives_the_same_accuracy() -> None:
    three = accuracies(SMALL, learnt(SMALL), replace(FEW, seeds=3))
    assert len(set(three)) > 1
    assert accuracies(SMALL, learnt(SMALL), replace(FEW, seeds=3)) == three
    noisy = accuracies(replace(SMALL, defences=(GaussianNoise(std=5.0),)), learnt(SMALL), FEW)
    assert noisy[0] < three[0] - 0.1


def test_a_network_with_batch_norm_learns_in_train_mode_whatever_its_client_does() -> None:
    deep = replace(SMALL, size=16, model=ConvNet(width=8))
    assert not deep.client.train
    assert learner(deep, FEW).training
    assert not learner(SMALL, FEW).training
    [found] = accuracies(deep, learnt(deep), replace(FEW, rounds=40))
    assert found > 0.5


def test_batch_norm_that_meets_one_value_alone_is_refused() -> None:
    alone = replace(SMALL, size=16, model=ResNet18())
    with pytest.raises(Refused, match=r"its batch norm cannot learn from a single value; take larger pictures"):
        learner(alone, replace(FEW, batch=1))


@pytest.mark.sweep
def test_precode_learns_slowly_and_is_not_cut_off_at_chance() -> None:
    slow = Experiment(model=LeNet(), defences=(Precode(),), seed=11)
    [course] = train_to_plateau(slow, learnt(slow), Federation(seeds=1))
    assert course.accuracy > 0.6
