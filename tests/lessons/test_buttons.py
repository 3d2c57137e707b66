"""What a lesson calls a button is what the button says, in every language."""

from __future__ import annotations

import re

import pytest

from gradleak_core.languages import LANGUAGES, read_table
from gradleak_core.lessons.shelf import LESSONS, find_lessons

NAMES = ("Run it live", "Picture", "Defence", "Attacker", "Deviation")
"""What the texts of the lessons ask to press or to open."""


def bold(text: str) -> set[str]:
    return set(re.findall(r"\*\*([^*]+)\*\*", text))


def test_english_tasks_name_what_is_there() -> None:
    assert all(bold(lesson.task) <= {*NAMES} for lesson in find_lessons().lessons)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_translated_tasks_name_it_as_the_page_does(code: str) -> None:
    table = read_table(code)
    english = {lesson.name: lesson for lesson in find_lessons().lessons}
    translated = {file.stem for file in (LESSONS / code).glob("*.md")}
    for lesson in find_lessons(None, code).lessons:
        if lesson.name in translated:
            assert bold(lesson.task) == {table[name] for name in bold(english[lesson.name].task)}, lesson.file
