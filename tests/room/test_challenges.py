"""Challenges: which runs count, what they score, and places that are shared where scores are the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from gradleak_core.places import ASSETS
from gradleak_core.room.challenges import (
    Challenge,
    Entry,
    check_challenge,
    cost_of,
    load_challenge,
    rank,
    read_costs,
    save_challenge,
)
from gradleak_core.types import Refused

SETUP = {
    "images": ["sample:astronaut"], "labels": None, "size": 32, "seed": 0, "threads": 0, "model": {"kind": "net"},
    "threat": {}, "defences": [], "attack": {"kind": "recipe", "name": "dlg", "labels": {"kind": "row_sum"}},
    "fork": "",
}  # fmt: skip
COSTS = {
    "gaussian_noise": {"knob": "std", "rest": {"kind": "gaussian_noise"}, "points": [(0.1, 1), (0.3, 2), (1.0, 9)]},
    "sign": {"knob": "", "rest": {"kind": "sign"}, "points": [(0.0, 3.2)]},
    "mixup": {"knob": "images_mixed", "rest": {"kind": "mixup", "alpha": 1}, "points": [(2, 4.0), (4, 5.0)]},
}  # fmt: skip
MEMBERS = {"anna": "Anna", "ben": "Ben", "cleo": "Cleo", "dora": "Dora"}


def row(owner: str, psnr: float = 20.0, seconds: float | None = 1.0, **changed: Any) -> Any:
    experiment = copy.deepcopy(SETUP) | changed.pop("experiment", {})
    result = {"metrics": {"psnr": psnr}, "seconds_to_recognisable": seconds}
    usual = {"id": f"run of {owner}", "owner": owner, "status": "done"}
    return usual | {"experiment": experiment, "result": result} | changed


def noisy(owner: str, std: float, seconds: float | None = None, **changed: Any) -> Any:
    return row(owner, 5, seconds, experiment={"defences": [{"kind": "gaussian_noise", "std": std}]}, **changed)


def look(challenge: Challenge, *rows: Any, asked: Any = ()) -> bool:
    """Looks at rows for which their owners have asked, and at what others have asked for too."""
    return challenge.look(rows, MEMBERS, COSTS, {(row["id"], row["owner"]) for row in rows} | {*asked})


def played(kind: str, *rows: Any, asked: Any = ()) -> list[tuple[int, str, float]]:
    challenge = Challenge(kind, SETUP, begun=50.0)
    look(challenge, *rows, asked=asked)
    return [(line["place"], line["name"], line["score"]) for line in challenge.common(MEMBERS)["ranking"]]


def test_the_best_run_of_each_person_is_ranked_by_the_servers_own_numbers() -> None:
    ranked = played("picture", row("anna", 20.04), row("ben", 31.0), row("anna", 25.5), row("cleo", 3))
    assert ranked == [(1, "Ben", 31.0), (2, "Anna", 25.5), (3, "Cleo", 3.0)]


def test_equal_scores_share_a_place() -> None:
    ranked = played("picture", row("anna", 20.04), row("ben", 19.96), row("cleo", 30), row("dora", 1))
    assert [(place, score) for place, _, score in ranked] == [(1, 30.0), (2, 20.0), (2, 20.0), (4, 1.0)]


@pytest.mark.parametrize(
    "changed",
    [
        {"result": None}, {"result": {"metrics": {}}}, {"owner": None}, {"owner": "stranger"},
        {"experiment": {"images": ["sample:coffee"]}}, {"experiment": {"size": 8}}, {"experiment": {"labels": [0]}},
        {"experiment": {"fork": "0123456789ab@40"}}, {"experiment": {"threat": {"rounds": 8}}},
        {"experiment": {"attack": {"kind": "recipe", "labels": {"kind": "known_labels"}}}},
        {"experiment": {"attack": {"kind": "closed"}}}, {"experiment": {"defences": [{"kind": "sign"}]}},
        {"experiment": {"images": "sample:astronaut", "new": 1}},
        {"result": {"metrics": {"psnr": float("nan")}}}, {"result": {"metrics": {"psnr": "99"}}},
    ],
)  # fmt: skip
def test_a_run_that_breaks_the_rules_does_not_count(changed: Any) -> None:
    changed = dict(changed)
    assert played("picture", row(changed.pop("owner", "anna"), **changed)) == []


def test_attack_and_seed_may_be_changed_for_the_best_picture() -> None:
    own = {"attack": {"kind": "recipe", "name": "mine", "labels": {"kind": "bias_rule"}}, "seed": 7, "threads": 2}
    assert played("picture", row("anna", experiment=own)) == [(1, "Anna", 20.0)]


def test_the_cheapest_defence_is_one_that_holds() -> None:
    ranked = played(
        "defence", noisy("anna", 1.0), noisy("ben", 0.3), noisy("cleo", 0.1, 2.5), row("dora", seconds=None)
    )
    assert ranked == [(1, "Ben", 2.0), (2, "Anna", 9.0)]


@pytest.mark.parametrize("status", ["stopped", "failed", "refused", "interrupted", "running", "paused"])
def test_a_defence_has_not_held_against_an_attack_that_was_cut_short(status: str) -> None:
    assert played("defence", noisy("anna", 0.3, status=status)) == []


def test_no_defence_holds_by_another_seed_or_another_attack() -> None:
    for change in ({"seed": 1}, {"attack": {"kind": "recipe", "name": "weak"}}, {"images": ["sample:coffee"]}):
        tried = noisy("anna", 0.3)
        tried["experiment"] |= change
        assert played("defence", tried) == []


@pytest.mark.parametrize(
    ("defences", "cost"),
    [
        ([{"kind": "gaussian_noise", "std": 0.1}], 1.0), ([{"kind": "gaussian_noise", "std": 0.2}], 1.5),
        ([{"kind": "gaussian_noise", "std": 0.65}], 5.5), ([{"kind": "gaussian_noise", "std": 0.001}], 1.0),
        ([{"kind": "gaussian_noise", "std": 50}], 9.0), ([{"kind": "sign"}], 3.2),
        ([{"kind": "mixup", "alpha": 1, "images_mixed": 3}], 4.5),
        ([{"kind": "mixup", "alpha": 2, "images_mixed": 3}], None),
        ([{"kind": "unheard"}], None), ([], None), (None, None), ([{"kind": "sign"}, {"kind": "sign"}], None),
    ],
)  # fmt: skip
def test_a_defence_costs_what_was_recorded_of_it(defences: Any, cost: float | None) -> None:
    assert cost_of(defences, COSTS) == cost


def test_the_recorded_trade_offs_have_a_cost_for_every_defence() -> None:
    recorded = json.loads((ASSETS / "trade_off.json").read_text("utf-8"))
    costs = read_costs(recorded)
    assert costs.keys() == recorded["curves"].keys()
    for curve in recorded["curves"].values():
        found = [cost_of(point["defences"], costs) for point in curve["points"]]
        assert all(cost is not None and 0 <= cost <= 100 for cost in found)


def test_a_run_that_several_joined_counts_for_each() -> None:
    others = [("run of anna", "ben"), ("run of anna", "stranger")]
    assert played("picture", row("anna"), asked=others) == [(1, "Anna", 20.0), (1, "Ben", 20.0)]


def test_a_run_from_before_counts_for_whoever_asks_for_it_in_the_challenge() -> None:
    challenge = Challenge("picture", SETUP)
    assert challenge.look([row("anna")], MEMBERS, COSTS, set()) is False
    assert challenge.look([row("anna")], MEMBERS, COSTS, {("run of anna", "ben")}) is True
    assert [entry.person for entry in challenge.entries] == ["ben"]


def test_a_person_is_told_their_own_line() -> None:
    challenge = Challenge("picture", SETUP)
    assert look(challenge, row("anna"), row("ben", 30)) is True
    assert look(challenge, row("anna"), row("ben", 30)) is False
    assert challenge.own("anna", MEMBERS)["mine"] == challenge.common(MEMBERS)["ranking"][1]
    assert challenge.own(None, MEMBERS)["mine"] is None
    assert challenge.own("dora", MEMBERS)["mine"] is None


def test_an_ended_challenge_stays_as_it_is() -> None:
    challenge = Challenge("picture", SETUP)
    look(challenge, row("anna"))
    challenge.ended = True
    assert look(challenge) is False
    assert [entry.person for entry in challenge.entries] == ["anna"]


def test_an_unknown_kind_is_refused() -> None:
    for kind in ("worst", None, 3, ["picture"]):
        with pytest.raises(Refused):
            check_challenge(kind)


def test_a_challenge_survives_a_restart() -> None:
    challenge = Challenge("defence", SETUP, "The astronaut", 12.5)
    look(challenge, noisy("anna", 0.3))
    assert load_challenge(json.loads(json.dumps(save_challenge(challenge)))) == challenge


def test_places_of_nobody() -> None:
    assert rank([], "picture") == []
    assert rank([Entry("anna", "r", 1.0, "dB")], "picture")[0][0] == 1
