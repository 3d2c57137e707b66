"""The seconds that a run is expected to take: a bound, corrected by what runs have taken here."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gradleak_core.catalogue import catalogue
from gradleak_core.config import demand
from gradleak_core.forecast import PACE
from gradleak_core.runs.estimates import STARTING, Experience

KNOWN = catalogue()
FIRST = KNOWN["presets"][0]["experiment"]


def changed(**fields: Any) -> Any:
    return copy.deepcopy(FIRST) | fields


def result(experiment: Any, seconds: float, iterations: int, status: str = "done") -> Any:
    return {"experiment": experiment, "status": status, "seconds": seconds, "iterations": iterations}


def test_a_run_like_none_before_is_expected_to_take_what_its_network_does() -> None:
    found, bound = Experience().estimate(FIRST, KNOWN), demand.estimate(FIRST, KNOWN)
    assert bound is not None
    assert found.seconds == pytest.approx(STARTING + FIRST["attack"]["steps"] * bound.seconds * PACE)
    assert (found.memory, found.by_bound) == (bound.memory, True)
    elsewhere = KNOWN | {"devices": [{"kind": "cuda", "name": "a GPU", "memory": 8e9}]}
    assert Experience().estimate(FIRST, elsewhere).seconds < found.seconds


def test_the_same_set_up_is_expected_to_take_what_it_took_with_other_pictures_and_seeds() -> None:
    experience = Experience([result(changed(seed=4), 2.0, 100), result(changed(images=["sample:coffee"]), 4.0, 100)])
    experience.learn(result(changed(seed=5), 3.0, 100))
    experience.learn(result(changed(seed=6), 0.1, 1, "stopped"))  # which says nothing of the whole
    assert experience.estimate(FIRST, KNOWN).seconds == STARTING + 3.0


def test_the_same_work_over_more_iterations_is_expected_to_take_so_much_longer() -> None:
    longer = changed(attack=FIRST["attack"] | {"steps": 10 * FIRST["attack"]["steps"]})
    found = Experience([result(FIRST, 2.0, 100)]).estimate(longer, KNOWN)
    assert found.seconds == STARTING + longer["attack"]["steps"] * 0.02
    assert not found.by_bound


def test_a_network_that_was_not_trained_here_is_expected_to_be_trained_first() -> None:
    drawn = Experience().estimate(FIRST, KNOWN).seconds
    weights = {"kind": "trained", "dataset": "digits", "epochs": 5, "lr": 1e-3}
    trained, longer = changed(weights=weights), changed(weights=weights | {"epochs": 50})
    learnt = Experience().estimate(trained, KNOWN).seconds - drawn
    assert learnt > 0
    assert Experience().estimate(longer, KNOWN).seconds - drawn == pytest.approx(10 * learnt)
    experience = Experience([result(trained, 2.0, 100)])
    assert experience.estimate(trained | {"images": ["sample:coffee"]}, KNOWN).seconds == STARTING + 2.0
    assert experience.estimate(trained | {"seed": 9}, KNOWN).seconds == pytest.approx(STARTING + learnt + 2.0)
    assert experience.estimate_training(longer, KNOWN) == pytest.approx(10 * learnt)
    assert demand.estimate_learning(FIRST, 5 * 1437, KNOWN) == pytest.approx(learnt)
    assert Experience().expect(changed(weights=weights | {"dataset": "folder:gone"}), KNOWN).seconds == 0


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
