"""Links that teach: what they hide and lock, and what is said of names that mean nothing."""

from __future__ import annotations

import copy

import pytest

from gradleak_core.catalogue import catalogue
from gradleak_core.config import knobs
from gradleak_core.config.teaching import Teaching, all_paths, keep_fixed, read_teaching, write_teaching
from gradleak_core.types import JSON


@pytest.fixture(scope="module")
def known() -> JSON:
    return catalogue()


def test_a_link_says_what_is_hidden_and_locked_and_where_to_start(known: JSON) -> None:
    query = {"hide": "model,seed", "lock": ["defence", "attack.steps"], "at": "180", "embed": "1", "lang": "de"}
    teaching = read_teaching(query, known)
    assert teaching == Teaching(
        frozenset({"model", "seed"}), frozenset({"defence", "attack.steps"}), at=180, embed=True, lang="de"
    )
    assert teaching.complaints == ()
    assert read_teaching(write_teaching(teaching), known) == teaching
    assert write_teaching(Teaching()) == {}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"hide": "modle"}, "This link cannot hide 'modle'; did you mean model?"),
        ({"lock": "attack.stepps"}, "This link cannot lock 'attack.stepps'"),
        ({"lock": "truth"}, "This link cannot lock 'truth'"),
        ({"hide": "charts.left"}, "This link cannot hide 'charts.left'"),
        ({"at": "soon"}, "at must be the number of an iteration, not 'soon'; the newest is shown."),
        ({"at": "-3"}, "at must be the number of an iteration"),
        ({"at": "9" * 40}, "at must be the number of an iteration"),
        ({"lang": "xx"}, "The language can be en or de, not 'xx'."),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence_and_the_rest_is_used(
    query: dict[str, str], said: str, known: JSON
) -> None:
    key = next(iter(query))
    more = {"lock": "wire"} | query | ({key: f"race,{query[key]}"} if key in ("hide", "lock") else {})
    teaching = read_teaching(more, known)
    assert len(teaching.complaints) == 1
    assert teaching.complaints[0].startswith(said)
    assert teaching.locked | teaching.hidden >= {"race"} if key in ("hide", "lock") else {"wire"}


def test_a_name_covers_what_lies_beneath_it_and_a_station_the_knobs_that_it_opens() -> None:
    teaching = Teaching(hidden=frozenset({"attacker"}), locked=frozenset({"model.init", "wire", "attack"}))
    assert teaching.hides("attack.optimiser.lr")
    assert teaching.hides("seed")
    assert teaching.hides("threat.statistics")
    assert not teaching.hides("threat.rounds")
    assert teaching.locks("threat.rounds")
    assert teaching.locks("model.init.scale")
    assert not teaching.fixes("model")
    assert not teaching.fixes("weights")


def test_the_station_of_the_picture_goes_with_the_private_picture() -> None:
    teaching = Teaching(hidden=frozenset({"truth"}))
    assert teaching.hides("picture")
    assert teaching.fixes("images")
    assert not teaching.hides("model")


def test_what_is_fixed_stays_whatever_a_set_up_brings(known: JSON) -> None:
    before = knobs.start(known)
    before["attack"]["steps"] = 77
    preset = next(one["experiment"] for one in known["presets"] if one["experiment"]["defences"])
    after = keep_fixed(preset, before, Teaching(hidden=frozenset({"picture"}), locked=frozenset({"attack.steps"})))
    assert after["images"] == before["images"]
    assert after["attack"] == preset["attack"] | {"steps": 77}
    assert after["defences"] == preset["defences"]
    assert keep_fixed(preset, before, Teaching(locked=frozenset({"defence"})))["defences"] == []
    assert keep_fixed(preset, before, Teaching()) == preset


def test_a_knob_of_a_defence_stays_where_the_defence_is_in_both(known: JSON) -> None:
    noise = knobs.one_of("defences", "gaussian_noise", known, "defence")
    before = knobs.start(known) | {"defences": [noise | {"std": 0.5}]}
    clip = knobs.one_of("defences", "clipping", known, "defence")
    wanted = copy.deepcopy(before) | {"defences": [clip, noise | {"std": 0.01}]}
    kept = keep_fixed(wanted, before, Teaching(locked=frozenset({"defences.gaussian_noise.std"})))
    assert kept["defences"] == [clip, noise | {"std": 0.5}]
    assert keep_fixed(wanted | {"defences": [clip]}, before, Teaching(locked=frozenset({"defences.0.std"}))) == (
        wanted | {"defences": [clip]}
    )


def test_every_knob_of_an_experiment_can_be_named(known: JSON) -> None:
    experiment = knobs.start(known) | {"defences": [knobs.one_of("defences", "clipping", known, "defence")]}
    paths = list(all_paths(experiment))
    assert {"seed", "attack.steps", "model.init.scale", "threat.rounds", "defences"} <= {*paths}
    assert read_teaching({"lock": ",".join(paths)}, known).complaints == ()
