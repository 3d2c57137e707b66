"""The lessons that come along: they are whole, they can be set up, they fit a class, and others read them too."""

from __future__ import annotations

from typing import Any

import pytest

from gradleak_core.languages import LANGUAGES
from gradleak_core.lessons.checking import check_lesson, set_up, set_up_lanes, teach
from gradleak_core.lessons.questions import TIMES, read_questions
from gradleak_core.lessons.reading import Lesson
from gradleak_core.lessons.rules import COMPLETION_RULES
from gradleak_core.lessons.shelf import LESSONS, find_lessons

SHELF = find_lessons()
QUESTION_MINUTES = 6
"""What the questions before and after take of a class."""


@pytest.fixture(params=SHELF.lessons, ids=lambda lesson: lesson.name)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    found: Lesson = request.param
    return found


def test_there_are_lessons_without_a_mistake(known: Any) -> None:
    assert SHELF.mistakes == ()
    assert len(SHELF.lessons) >= 11
    assert [said for one in SHELF.lessons for said in check_lesson(one, known)] == []


def test_all_ways_to_complete_a_lesson_are_used() -> None:
    assert {one.deed.rule for one in SHELF.lessons} == COMPLETION_RULES.keys()


def test_a_lesson_says_what_a_teacher_needs(lesson: Lesson) -> None:
    assert lesson.before
    assert lesson.say
    assert lesson.expect
    assert lesson.predict.why
    assert lesson.question.why
    assert lesson.plans


def test_a_lesson_hides_the_rest_of_the_lab(lesson: Lesson, known: Any) -> None:
    taught = teach(lesson)
    assert taught.hides("presets")
    assert taught.hides("model")
    assert taught.fixes("attack.steps") or "attacker" in lesson.show
    assert not taught.hides("truth")
    assert set_up_lanes(lesson, known)[0] == set_up(lesson, known)


@pytest.mark.parametrize("length", [45, 90])
def test_a_class_is_long_enough_for_its_lessons(length: int) -> None:
    minutes = sum(lesson.minutes for lesson in SHELF.lessons if length in lesson.plans)
    assert length - 10 <= minutes + QUESTION_MINUTES <= length


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_translations_are_read_and_stand_beside_a_lesson(code: str) -> None:
    shelf = find_lessons(None, code)
    assert shelf.mistakes == ()
    translated = {file.stem for file in (LESSONS / code).glob("*.md")}
    assert translated <= {lesson.name for lesson in SHELF.lessons}
    changed = {own.name for own, english in zip(shelf.lessons, SHELF.lessons, strict=True) if own != english}
    assert changed == translated
    assert len(changed) >= 3
    for own, english in zip(shelf.lessons, SHELF.lessons, strict=True):
        assert (own.setup, own.lanes, own.deed, own.predict.right) == (
            english.setup, english.lanes, english.deed, english.predict.right,
        )  # fmt: skip


@pytest.mark.parametrize("code", LANGUAGES)
def test_five_questions_are_asked_before_and_after(code: str) -> None:
    before, after = (read_questions(when, code) for when in TIMES)
    assert [len(before), len(after)] == [5, 5]
    assert not {question.text for question in before} & {question.text for question in after}
    assert all(question.why for question in [*before, *after])
    english = [read_questions(when) for when in TIMES]
    assert [[q.right for q in part] for part in (before, after)] == [[q.right for q in part] for part in english]
