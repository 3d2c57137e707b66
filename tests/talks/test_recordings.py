"""Recordings beside a talk: small, of its set-ups, and held against its titles; and what is drawn of them."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from typing import Any

import pytest
from PIL import Image

from gradleak_core.places import ASSETS
from gradleak_core.runs.exports.recorded import Recorded
from gradleak_core.talks.exports import TALK_EXPORTS, gather_talk, write_talk_export
from gradleak_core.talks.film import TalkFilm, widen
from gradleak_core.talks.form import parse_talk
from gradleak_core.talks.recordings import (
    dump_recording,
    find_surprises,
    is_of,
    load_recording,
    name_recording,
    outcome,
    slim_recording,
)
from gradleak_core.types import Refused

FIRST = json.loads((ASSETS / "recordings" / "first.json").read_text("utf-8"))


def race(*lanes: Any) -> Any:
    head = {"title": "A race", "by": "iterations", "names": [f"lane {n}" for n in range(len(lanes))], "shared": ""}
    return head | {"titles": {}, "experiments": [lane["experiment"] for lane in lanes], "lanes": list(lanes)}


def ended(**result: Any) -> Any:
    return copy.deepcopy(FIRST) | {"result": FIRST["result"] | result}


def chapter(**fields: Any) -> Any:
    value = {"title": "A photo", "show": "run", **fields}
    return parse_talk(json.dumps({"title": "x", "minutes": 5, "chapters": [value]}))["chapters"][0]


def test_a_small_recording_keeps_what_the_stage_shows() -> None:
    small = slim_recording(FIRST, "Comes back", 12)
    assert len(dump_recording(small)) < 45_000 < len(json.dumps(FIRST))
    assert small["title"] == "Comes back"
    shown = [frame["iteration"] for frame in small["frames"]]
    assert len(shown) <= 14
    assert (shown[0], shown[-1]) == (1, 3000)
    assert any(frame.get("recognised") or frame["iteration"] == 64 for frame in small["frames"])
    assert small["frames"][-1]["picture"] == FIRST["frames"][-1]["picture"]
    assert small["truth"] == FIRST["truth"]
    curve = small["curve"]
    assert len(curve["iterations"]) == len(curve["columns"]["distance"]) <= 300
    assert curve["iterations"][-1] == 3000
    assert slim_recording(small, "Comes back", 12) == small


def test_all_lanes_of_a_race_have_pictures() -> None:
    small = slim_recording(race(FIRST, FIRST), "Two", 40)
    assert [len(lane["frames"]) >= 16 for lane in small["lanes"]] == [True, True]


def test_a_recording_is_of_a_setup_on_however_many_threads() -> None:
    experiment = FIRST["experiment"]
    assert is_of(FIRST, [experiment | {"threads": 2}], dict)
    assert not is_of(FIRST, [experiment | {"seed": 1}], dict)
    assert not is_of(FIRST, [experiment, experiment], dict)


def test_what_comes_is_held_against_what_the_title_says() -> None:
    hidden = ended(metrics={"likeness": 0.2}, seconds_to_recognisable=None)
    faded = ended(metrics={"likeness": 0.2})
    assert [outcome(Recorded(one)) for one in (FIRST, hidden, faded)] == ["leaks", "holds", "any"]
    assert find_surprises(chapter(expect=["leaks"]), FIRST) == []
    assert find_surprises(chapter(), hidden) == []
    for lane in (hidden, faded):
        said = find_surprises(chapter(expect=["leaks"]), lane)
        assert said == ["the title says that the picture comes back, and in the end it was not to be seen."]
    said = find_surprises(chapter(show="race", setup="lane=size%3D16", expect=["any", "holds"]), race(FIRST, FIRST))
    assert said == ["the title says that the picture of lane 2 stays hidden, and in the end it was a near copy."]
    slow = find_surprises(chapter(minutes=0.1), ended(seconds=9.3))
    assert slow == ["it took 9.3 s, and the chapter has 6.0 s."]


def test_a_recording_is_named_after_its_chapter() -> None:
    assert name_recording(chapter(recording="mine.json"), 1, []) == "mine.json"
    assert name_recording(chapter(title="Noise: 5 %?"), 3, []) == "noise-5.json"
    assert name_recording(chapter(title="Noise: 5 %?"), 3, ["noise-5.json"]) == "noise-5-3.json"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"frames": []}', '{"lanes": []}', '{"lanes": [3]}'])
def test_what_is_no_recording_is_refused(text: str, tmp_path: Any) -> None:
    (tmp_path / "x.json").write_text(text, "utf-8")
    with pytest.raises(Refused, match=r"^recording: x.json .*\.$"):
        load_recording(tmp_path / "x.json")


def whole_talk() -> Any:
    chapters = [
        {"title": "A photo comes back", "show": "run", "recording": "first.json"},
        {"title": "What a gradient is", "show": "figure", "figure": "gradient"},
        {"title": "Not rehearsed", "show": "run"},
        {"title": "Thanks", "show": "words", "lines": ["Questions?"]},
    ]
    talk = parse_talk(json.dumps({"title": "A talk", "minutes": 5, "chapters": chapters}))
    return gather_talk(talk, lambda name: ASSETS / "recordings" / name)


def test_a_film_shows_every_chapter_and_its_still_is_what_it_ends_on() -> None:
    film = TalkFilm(whole_talk(), 0.25)
    assert [film.talk["chapters"][place]["recorded"] is None for place in range(4)] == [False, True, True, True]
    assert sorted({moment.place for moment in film.moments}) == [0, 1, 2, 3]
    assert film.still(0).size == (480, 270)
    assert film.still(0) != film.card(0)
    assert film.still(3) == film.card(3)
    assert film.frame(film.moments[-1]) is film.frame(film.moments[-2]) or film.moments[-1] == film.moments[-2]


def test_a_thinned_curve_is_drawn_over_all_iterations() -> None:
    small = slim_recording(FIRST, "x", 12)
    columns = Recorded(widen(small)).columns
    assert len(columns["distance"]) == 3000
    assert columns["distance"][0] == small["curve"]["columns"]["distance"][0]


def test_the_stills_are_pictures_for_slides() -> None:
    data = write_talk_export("zip", whole_talk())
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.namelist()[0] == "01-a-photo-comes-back.png"
        assert Image.open(io.BytesIO(file.read(file.namelist()[0]))).size == (1920, 1080)
    with pytest.raises(Refused, match="no chapters"):
        write_talk_export("zip", whole_talk() | {"chapters": []})
    assert "mp4" in TALK_EXPORTS
