"""Lanes as texts and names: what a link, the command line and the legend say of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gradleak_core.catalogue import catalogue
from gradleak_core.config.assumptions import ASSUMPTIONS, THREAT_MODELS
from gradleak_core.config.differences import shared_setup
from gradleak_core.config.knobs import start
from gradleak_core.config.races import lane_names, lane_text, race_title, read_lane, sweep_knob
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.experiment import CODEC, Experiment
from gradleak_core.types import Refused


@pytest.fixture(scope="module")
def known() -> Any:
    return catalogue()


TEXTS = [
    "",
    "defence=gaussian_noise:std=0.03&defence=pruning",
    "attack=dlg&attack.restarts=4",
    "model=convnet&attack=inverting_gradients&attack.optimiser.lr=0.5",
    "client.local_epochs=3&threat.local_steps=one",
    "threat.hidden=conv1.weight, classifier.*",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_lane_is_the_same_after_it_was_written_and_read(text: str, known: Any) -> None:
    first = start(known) | {"seed": 3, "images": ["sample:coffee"]}
    lane = read_lane(text, first, known)
    assert (lane == first) == (text == "")
    assert read_lane(lane_text(lane, first, known), first, known) == lane


def test_a_lane_goes_with_the_first_one(known: Any) -> None:
    text = "defence=gaussian_noise"
    changed = read_lane(text, start(known) | {"size": 48}, known)
    assert (changed["size"], changed["defences"][0]["kind"]) == (48, "gaussian_noise")


def test_a_lane_without_the_defences_of_the_first_says_so(known: Any) -> None:
    first = read_lane("defence=dropout", start(known), known)
    assert lane_text(start(known), first, known) == "defence=none"


def test_lanes_are_named_by_what_differs_and_by_nothing_else(known: Any) -> None:
    lanes = sweep_knob(start(known), "defence", ["none", "gaussian_noise:std=0.02", "precode"], known)
    assert lane_names(lanes, known)[:2] == ["no defence", "Gaussian noise (std 0.02)"]
    assert lane_names(lanes, known)[2].startswith("PRECODE")
    assert race_title(lanes, known) == "Race of 3: defences"
    rates = sweep_knob(start(known), "attack.optimiser.history", ["5", "50"], known)
    assert [name.rpartition(" ")[2] for name in lane_names(rates, known)] == ["5", "50"]
    attacks = [start(known), copy.deepcopy(read_lane("attack=dlg", start(known), known))]
    assert lane_names(attacks, known) == ["iDLG", "DLG"]
    four = start(known) | {"images": ["sample:astronaut", "sample:chelsea", "sample:coffee", "sample:rocket"]}
    assert lane_names([start(known), four], known) == ["astronaut", "4 pictures"]


def test_the_others_say_that_they_are_else_as_the_first(known: Any) -> None:
    first = CODEC.encode(Experiment(defences=(GaussianNoise(std=0.01),)))
    others = ("defence=pruning:share=0.9", "attack=dlg", "model=convnet&model.width=32")
    lanes = [first, *(read_lane(text, first, known) for text in others)]
    assert lane_names(lanes, known) == [
        "LeNet, Gaussian noise, iDLG", "Pruning, else as 1", "DLG, else as 1", "ConvNet, else as 1"
    ]  # fmt: skip


def test_every_lane_is_named_by_both_values_where_two_differ(known: Any) -> None:
    defended = read_lane("defence=precode&attack=precode_noise", start(known), known)
    searched = read_lane("defence=precode", start(known), known)
    assert lane_names([defended, searched, start(known)], known) == [
        "PRECODE, PRECODE noise restoring", "PRECODE, iDLG", "no defence, iDLG",
    ]  # fmt: skip


def test_a_sweep_refuses_what_the_knob_refuses(known: Any) -> None:
    with pytest.raises(Refused, match=r"attack\.steps"):
        sweep_knob(start(known), "attack.steps", ["10", "0"], known)


def test_what_all_lanes_share_is_said_once_and_nothing_in_which_they_differ(known: Any) -> None:
    noisy = read_lane("defence=gaussian_noise", start(known), known)
    assert shared_setup([start(known), noisy], known) == "astronaut, 32 × 32, LeNet, iDLG, 3,000 iterations, seed 0"
    other = read_lane("model=mlp&attack.steps=7&seed=3", start(known), known)
    own = {"images": [f"upload:{'0' * 64}"]}
    assert shared_setup([start(known) | own, noisy | own], known).startswith("your picture, 32 × 32")
    assert shared_setup([start(known), other], known) == "astronaut, 32 × 32, iDLG, no defence"


def test_an_assumption_has_a_letter_that_is_explained_or_none() -> None:
    assert {assumption.model for assumption in ASSUMPTIONS.values()} - {""} <= THREAT_MODELS.keys()
