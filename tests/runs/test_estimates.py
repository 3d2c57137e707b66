"""The seconds that a run is expected to take: a bound, corrected by what runs have taken here."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gradleak_core.catalogue import catalogue
from gradleak_core.config import demand
from gradleak_core.runs.estimates import STARTING, Experience

KNOWN = catalogue()
FIRST = KNOWN["presets"][0]["experiment"]


def changed(**fields: Any) -> Any:
    return copy.deepcopy(FIRST) | fields


def result(experiment: Any, seconds: float, iterations: int, status: str = "done") -> Any:
    rate = iterations / seconds
    return {"experiment": experiment, "status": status, "seconds": seconds, "iterations_per_second": rate}


def test_a_run_like_none_before_is_expected_to_take_the_bound() -> None:
    found, bound = Experience().estimate(FIRST, KNOWN), demand.estimate(FIRST, KNOWN)
    assert bound is not None
    assert found.seconds == pytest.approx(STARTING + FIRST["attack"]["steps"] * bound.seconds)
    assert found.memory == bound.memory


def test_the_same_set_up_is_expected_to_take_what_it_took_with_other_pictures_and_seeds() -> None:
    experience = Experience([result(changed(seed=4), 2.0, 100), result(changed(images=["sample:coffee"]), 4.0, 100)])
    experience.learn(result(changed(seed=5), 3.0, 100))
    experience.learn(result(changed(seed=6), 0.1, 1, "stopped"))  # which says nothing of the whole
    assert experience.estimate(FIRST, KNOWN).seconds == STARTING + 3.0


def test_another_set_up_of_the_same_network_and_attack_corrects_the_bound() -> None:
    other = changed(size=16)
    bound, own = demand.estimate(other, KNOWN), demand.estimate(FIRST, KNOWN)
    assert bound is not None
    assert own is not None
    thrice = result(other, 3 * 100 * bound.seconds, 100)
    foreign = result(changed(model={**FIRST["model"], "kind": "mlp"}), 1000.0, 100)
    estimate = Experience([foreign, thrice]).estimate(FIRST, KNOWN)
    assert estimate.seconds == pytest.approx(STARTING + FIRST["attack"]["steps"] * 3 * own.seconds)


@pytest.mark.parametrize("odd", [{}, {"experiment": None}, {"experiment": {"images": []}, "seconds": 3.0}])
def test_a_result_that_says_nothing_is_not_counted(odd: Any) -> None:
    experience = Experience([odd])
    experience.learn(odd)
    assert experience.estimate(FIRST, KNOWN) == Experience().estimate(FIRST, KNOWN)


def test_an_attack_without_iterations_and_a_server_without_a_catalogue_expect_little() -> None:
    attacks = [row["default"] for row in KNOWN["families"]["attacks"].values()]
    for attack in [attack for attack in attacks if "optimiser" not in attack]:
        assert Experience().estimate(changed(attack=attack), KNOWN).seconds < 3
    assert Experience().expect({}, None).seconds < 3
    assert Experience().expect({"broken": 1}, KNOWN).seconds == 0
