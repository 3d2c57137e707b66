"""A fork begins at the attacker's own former guess, in its order, and at nothing else."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
import torch

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.parts.unknowns import match_labels
from gradleak_core.data.pixels import from_strip, to_strip
from gradleak_core.experiment import Experiment, run
from gradleak_core.models import MODELS
from gradleak_core.runs.forks import read_fork
from gradleak_core.runs.loop import read_first_guess
from gradleak_core.types import FirstGuess, Frame, Refused

IMAGES = ("sample:coin", "sample:brick", "sample:grass")
SET_UP = Experiment(IMAGES, size=8, seed=3, model=MODELS["mlp"](width=16, activation="tanh"))  # type: ignore[call-arg]


def play(experiment: Experiment, begin: FirstGuess | None = None) -> list[Frame]:
    events = run(experiment, due=lambda iteration: iteration in (1, 12), begin=begin)
    return [event for event in events if isinstance(event, Frame)]


def as_sent(frame: Frame) -> FirstGuess:
    """The guess of a frame after its way through the store and to the worker."""
    picture = base64.b64encode(to_strip(frame.images)).decode()
    return read_first_guess(
        {"picture": picture, "labels": list(frame.labels), "order": list(frame.order), "channels": 3}
    )


@pytest.mark.parametrize("attack", ["dlg", "idlg", "inverting_gradients"])
def test_a_fork_begins_where_the_frame_was_and_goes_on(attack: str) -> None:
    former = replace(SET_UP, attack=replace(RECIPES[attack], steps=30))  # type: ignore[type-var]
    frame = play(former)[-1]
    first, *_, last = play(replace(former, fork="0123456789ab@30"), as_sent(frame))
    assert torch.allclose(first.images, frame.images, atol=0.51 / 255)
    assert first.labels == frame.labels
    assert last.metrics["distance"] <= first.metrics["distance"]


def test_a_frame_says_in_which_order_the_attacker_had_its_pictures() -> None:
    frame = play(replace(SET_UP, attack=replace(RECIPES["dlg"], steps=1)))[-1]  # type: ignore[type-var]
    shuffled = replace(frame, order=(2, 0, 1))
    own = as_sent(shuffled)
    for place, at in enumerate(shuffled.order):
        assert torch.allclose(own.images[at], from_strip(to_strip(frame.images), 3)[place])
        assert own.labels[at] == frame.labels[place]


def test_a_fork_without_its_guess_is_refused() -> None:
    with pytest.raises(Refused, match="is not here"):
        next(iter(run(replace(SET_UP, fork="0123456789ab@30"))))
    with pytest.raises(Refused, match="run@iteration"):
        read_fork("sample:coin")


@pytest.mark.parametrize(
    ("found", "wanted", "order"),
    [([3, 1, 2], [1, 2, 3], [1, 2, 0]), ([5, 1, 1], [1, 7, 5], [1, 2, 0]), ([4], [9], [0])],
)
def test_pictures_go_where_their_labels_are(found: list[int], wanted: list[int], order: list[int]) -> None:
    assert match_labels(found, wanted) == order
