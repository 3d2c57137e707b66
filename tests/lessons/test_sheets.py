"""The sheets to print: a section a lesson, and nothing in them that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gradleak_core.languages import use_language
from gradleak_core.lessons.sheets import write_sheets
from gradleak_core.lessons.shelf import find_lessons


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use_language("")


def test_there_is_a_sheet_for_each_lesson() -> None:
    lessons = find_lessons().lessons
    page = write_sheets(lessons)
    assert page.count('<section class="sheet">') == len(lessons)
    assert all(option in page for option in lessons[0].predict.options)
    assert "<script" not in page
    assert "I predict" in page


def test_sheets_speak_the_reader_s_language() -> None:
    use_language("de")
    page = write_sheets(find_lessons(None, "de").lessons[:1])
    assert '<html lang="de">' in page
    assert "Was ein Gradient ist" in page
    assert "Ich sage voraus" in page


def test_a_lesson_cannot_plant_markup() -> None:
    from dataclasses import replace

    lesson = replace(find_lessons().lessons[0], title="<b>Bold</b>", task="<script>alert(1)</script> **Do**")
    page = write_sheets([lesson])
    assert "<script" not in page
    assert "&lt;b&gt;Bold" in page
    assert "<strong>Do</strong>" in page
