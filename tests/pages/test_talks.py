"""Talks: a list to present, and one talk that is written, filled from the Lab, rehearsed and taken out again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.runs.service import Service
from gradleak_core.talks.form import parse_talk
from gradleak_core.talks.shelf import Shelf, shelf_of
from tests.pages.conftest import Open
from tests.pages.test_lab import address, words
from tests.runs.serving import until

RUN = {"title": "A photo comes back", "show": "run", "setup": "attack.steps=3", "notes": "Look at the face."}
RACE = {"title": "Noise", "show": "race", "setup": "attack.steps=3&lane=defence=gaussian_noise:std=0.05"}
WORDS = {"title": "Thanks", "show": "words", "lines": ["Questions?"]}


@pytest.fixture
def shelf(service: Service) -> Iterator[Shelf]:
    found = shelf_of(service)
    assert found.own is not None
    yield found
    shutil.rmtree(found.own, ignore_errors=True)


def keep(shelf: Shelf, *chapters: Any) -> None:
    shelf.write("mine", parse_talk(json.dumps({"title": "My talk", "minutes": 5, "chapters": chapters})))


def titles(shelf: Shelf, name: str = "mine") -> list[str]:
    return [chapter["title"] for chapter in shelf.read(name)["chapters"]]


def widget(widgets: Any, key: str) -> Any:
    return next(one for one in widgets if str(one.key).startswith(f"{key}:"))


def opened(open_page: Open, name: str = "mine") -> AppTest:
    app = open_page("talks")
    app.button(f"open-talk:{name}").click().run()
    assert not app.exception
    return app


def test_a_talk_is_begun_and_filled_from_the_lab(shelf: Shelf, open_page: Open) -> None:
    app = open_page("talks")
    app.text_input("new-title").set_value("For Ada")
    app.button("begin-talk").click().run()
    assert "There are no chapters yet" in words(app)
    app.button("add-setup").click().run()
    app.button("add-words").click().run()
    talk = shelf.read("for-ada")
    assert [chapter["show"] for chapter in talk["chapters"]] == ["run", "words"]
    assert talk["chapters"][0]["setup"] == ""
    assert "Chapter 1: recording is missing" in words(app).replace("\\", "")


def test_chapters_are_changed_moved_and_taken_out(shelf: Shelf, open_page: Open) -> None:
    keep(shelf, RUN, WORDS)
    app = opened(open_page)
    widget(app.text_input, "title").set_value("It comes back").run()
    widget(app.text_area, "notes").set_value("First.\n\nThen.").run()
    assert titles(shelf) == ["It comes back", "Thanks"]
    assert shelf.read("mine")["chapters"][0]["notes"] == "First.\n\nThen."
    app.button("chapter:1").click().run()
    widget(app.text_area, "lines").set_value("One\n\nTwo").run()
    assert shelf.read("mine")["chapters"][1]["lines"] == ["One", "Two"]
    next(button for button in app.button if button.label == "Up").click().run()
    assert titles(shelf) == ["Thanks", "It comes back"]
    assert widget(app.text_input, "title").value == "Thanks"
    next(button for button in app.button if button.label == "Take out").click().run()
    assert titles(shelf) == ["It comes back"]
    assert not app.exception


def test_a_field_that_makes_no_sense_is_not_kept_and_says_why(shelf: Shelf, open_page: Open) -> None:
    keep(shelf, RUN)
    app = opened(open_page)
    widget(app.text_input, "title").set_value(" ").run()
    assert "title is empty" in app.error[0].value
    assert titles(shelf) == ["A photo comes back"]
    widget(app.text_input, "title").set_value("Better").run()
    assert [*app.error] == []
    widget(app.text_input, "setup").set_value("attack=magic").run()
    assert "magic" in app.error[0].value
    assert not app.exception


def test_a_finished_run_becomes_a_chapter_with_its_recording(
    service: Service, shelf: Shelf, full: list[str], open_page: Open
) -> None:
    keep(shelf)
    app = open_page("lab", run=full[0])
    app.switch_page("../talks.py").run()
    app.button("open-talk:mine").click().run()
    app.button("add-shown").click().run()
    (chapter,) = shelf.read("mine")["chapters"]
    assert chapter["expect"] == ["holds"]
    assert shelf.recording("mine", chapter["recording"]) is not None
    assert "Before the day" not in [heading.value for heading in app.subheader]


def test_a_rehearsal_records_every_run_and_race(shelf: Shelf, open_page: Open) -> None:
    keep(shelf, RUN | {"expect": ["leaks"]}, WORDS, RACE)
    app = opened(open_page)
    app.button("rehearse").click().run()
    until(lambda: app.run() and not any(button.key == "stop-rehearsal" for button in app.button))
    recorded = [chapter["recording"] for chapter in shelf.read("mine")["chapters"]]
    assert recorded == ["a-photo-comes-back.json", "", "noise.json"]
    assert "A photo comes back: 0." in words(app).replace("\\", "")
    assert "s; not to be seen. Chapter 1: the title says that the picture comes back" in words(app).replace("\\", "")
    assert not app.exception


def test_a_shipped_talk_is_read_and_copied(shelf: Shelf, open_page: Open) -> None:
    shipped = [row["name"] for row in shelf.rows()]
    assert shipped == ["five-minutes", "fifteen-minutes", "forty-five-minutes"]
    app = opened(open_page, shipped[0])
    assert not [box for box in app.text_input if str(box.key).startswith("title:")]
    next(button for button in app.button if button.label == "Make a copy to change").click().run()
    copied = address(app)["talk"]
    assert copied == "what-an-update-gives-away-copy"
    assert titles(shelf, copied) == titles(shelf, shipped[0])


def test_a_talk_that_is_not_there_is_said_to_be_gone(shelf: Shelf, open_page: Open) -> None:
    app = open_page("talks")
    app.query_params["talk"] = "gone"
    app.run()
    assert "There is no such talk" in app.warning[0].value
