"""The answers of a class: kept, and written as a table that says which are right."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from gradleak_core.lessons.questions import ANSWERS, hand_in, handed_in, read_questions, write_answers
from gradleak_core.types import Refused


def test_answers_come_back_as_a_table(tmp_path: Path) -> None:
    right = [question.right for question in read_questions("before")]
    hand_in(tmp_path, "before", "  Ada\nL. ", right, "person-1")
    hand_in(tmp_path, "after", "", [0, 0, 0, 0, 0], None)
    rows = list(csv.DictReader(io.StringIO(write_answers(handed_in(tmp_path)))))
    assert len(rows) == 10
    assert [row["right"] for row in rows[:5]] == ["1"] * 5
    assert {row["name"] for row in rows[:5]} == {"Ada L."}
    assert all((row["answer"] == row["right answer"]) is (row["right"] == "1") for row in rows)
    assert rows[5]["when"] == "after"


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    hand_in(tmp_path, "before", "=1+1", [0] * 5, None)
    assert next(csv.DictReader(io.StringIO(write_answers(handed_in(tmp_path)))))["name"] == "'=1+1"


@pytest.mark.parametrize(
    ("when", "name", "answers"),
    [
        ("during", "", [0] * 5),
        ("before", "", [0] * 4),
        ("before", "", [0, 0, 0, 0, 9]),
        ("before", "", [0, 0, 0, 0, -1]),
        ("before", "x" * 41, [0] * 5),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, when: str, name: str, answers: list[int]) -> None:
    with pytest.raises(Refused):
        hand_in(tmp_path, when, name, answers, None)
    assert handed_in(tmp_path) == []


def test_a_torn_line_costs_nothing_else(tmp_path: Path) -> None:
    hand_in(tmp_path, "before", "Ada", [0] * 5, None)
    with (tmp_path / ANSWERS).open("a", encoding="utf-8") as file:
        file.write('[1]\n{"when": "before", "answers": [0, "x", null]}\n{"when": "bef')
    rows = handed_in(tmp_path)
    assert len(rows) == 2
    assert write_answers(rows).count("before") == 5 + 3
