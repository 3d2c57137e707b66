"""What a talk.json may say, and what is said of each mistake in one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.places import ASSETS
from gradleak_core.talks.form import (
    CHAPTER_FIELDS,
    FIGURES,
    MOST_CHAPTERS,
    load_talk,
    minutes_of,
    parse_setup,
    parse_talk,
    read_talk,
    write_talk,
)
from gradleak_core.types import Refused

RUN = {"title": "A photo comes back", "show": "run", "setup": "image=sample:coffee", "expect": ["leaks"]}
RACE = {"title": "Noise against none", "show": "race", "setup": "lane=defence=gaussian_noise:std%3D0.05", "minutes": 2}


def talk(*chapters: Any, **fields: Any) -> Any:
    return {"title": "A talk", "minutes": 5, "chapters": list(chapters)} | fields


def test_a_talk_is_read_with_its_defaults_and_written_without_them() -> None:
    read = parse_talk(json.dumps(talk(RUN, RACE, {"title": "Thanks", "show": "words", "lines": ["Questions?"]})))
    assert read["language"] == "en"
    assert read["chapters"][0]["covered"] is False
    assert minutes_of(read) == 4
    written = json.loads(write_talk(read))
    assert written["chapters"][:2] == [RUN, RACE]
    assert parse_talk(write_talk(read)) == read


def test_notes_may_have_paragraphs_and_no_other_line_may() -> None:
    read = parse_talk(json.dumps(talk(RUN | {"notes": "First.\r\n\r\nThen."})))
    assert read["chapters"][0]["notes"] == "First.\n\nThen."
    _, mistakes = read_talk(talk(RUN | {"title": "One\nTwo", "notes": "A bell \a"}))
    assert [said.split(" holds ")[0] for said in mistakes] == ["Chapter 1: title", "Chapter 1: notes"]


MISTAKES: list[tuple[Any, str]] = [
    (talk(title=""), "The talk: title is empty; say what the talk is called."),
    (talk(title=3), "The talk: title must be a text, not 3."),
    (talk(minutes=0), "The talk: minutes must lie between 1 and 240, not 0."),
    (talk(language="fr"), "The talk: language must be one of en, de, not 'fr'."),
    (talk(speaker="me"), "The talk: speaker is not known here; choose from title, minutes, language."),
    ({"title": "x", "chapters": []}, "The talk: minutes is missing; add it."),
    (talk() | {"chapters": {}}, "The talk: chapters must be a list, not {}."),
    (talk(*[RUN] * (MOST_CHAPTERS + 1)), "The talk: chapters must hold 0 to 60 entries, not 61."),
    (talk(RUN, "second"), "Chapter 2 must be an object, not 'second'."),
    (talk(RUN | {"title": " "}), "Chapter 1: title is empty; say in one line what this chapter shows."),
    (talk(RUN | {"show": "film"}), "Chapter 1: show must be one of run, race, figure, words, not 'film'."),
    (talk(RUN, RUN | {"note": ""}), f"Chapter 2: note is not known here; choose from {', '.join(CHAPTER_FIELDS)}."),
    (talk(RUN | {"minutes": 0}), "Chapter 1: minutes must lie between 0.1 and 60, not 0."),
    (talk(RUN | {"covered": 1}), "Chapter 1: covered must be true or false, not 1."),
    (talk(RUN | {"setup": "nonsense"}), "Chapter 1: setup is no link of the Lab: 'nonsense'."),
    (talk(RUN | {"setup": RACE["setup"]}), "Chapter 1: setup has lanes, so show must be race."),
    (
        talk(RACE | {"setup": "attack=dlg"}),
        "Chapter 1: setup has no lane, so show must be run; or add lane=… to the link.",
    ),
    (
        talk(RUN | {"expect": ["leaks", "holds"]}),
        "Chapter 1: expect must have at most one outcome for each of the 1 pictures, not 2.",
    ),
    (talk(RUN | {"expect": ["breaks"]}), "Chapter 1: expect.0 must be one of any, leaks, holds, not 'breaks'."),
    (talk({"title": "x", "show": "figure"}), f"Chapter 1: figure is missing; choose from {', '.join(FIGURES)}."),
    (
        talk({"title": "x", "show": "words", "lines": [" "]}),
        "Chapter 1: lines is empty; write at least one line to show.",
    ),
    (
        talk(RUN | {"recording": "../first.json"}),
        "Chapter 1: recording must be the name of a file such as first.json, not '../first.json'.",
    ),
]


@pytest.mark.parametrize(("value", "sentence"), MISTAKES)
def test_each_mistake_is_one_sentence_with_chapter_and_field(value: Any, sentence: str) -> None:
    assert read_talk(value)[1] == [sentence]
    with pytest.raises(Refused, match=re.escape(sentence)):
        parse_talk(json.dumps(value))


def test_all_mistakes_are_told_at_once() -> None:
    mistakes = read_talk(talk(RUN | {"show": "film"}, RUN | {"covered": 1, "minutes": "2"}))[1]
    assert [said[:20] for said in mistakes] == ["Chapter 1: show must", "Chapter 2: minutes m", "Chapter 2: covered m"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The talk is no valid JSON at line 1."),
        ("[" * 100_000, "The talk is no valid JSON."),
        ("[]", 'A talk must be a JSON object with "title", "minutes" and "chapters".'),
        (" " * 300_000, "A talk.json must have at most 256 kB; shorten its notes."),
        (b"\xff\xfe", "The talk is no valid JSON at line 1."),
    ],
)
def test_what_is_no_talk_is_refused(text: str | bytes, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        load_talk(text)
    assert str(refused.value) == sentence


def test_a_whole_address_of_the_lab_is_taken_for_its_setup() -> None:
    address = "https://demo.example/lab/?attack=dlg&image=sample:coffee&lane=defence%3Dsign&run=0123456789ab&hide=model"
    assert parse_setup(address) == ({"attack": ["dlg"], "image": ["sample:coffee"]}, ["defence=sign"])
    assert parse_setup(" ") == ({}, [])


def test_the_figures_are_those_of_the_page_that_explains() -> None:
    text = (ASSETS / "live" / "explanation_figures.js").read_text("utf-8")
    assert re.findall(r"^  (\w+): \{ file:", text.partition("FIGURES")[2], re.MULTILINE) == [*FIGURES]
    assert {f"{name}.md" for name in FIGURES} <= {file.name for file in Path(ASSETS / "explanations").iterdir()}
