"""The questions before and after all lessons, and the answers of a class, kept in the data folder. Imports no torch."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock

from gradleak_core.config.cells import harmless
from gradleak_core.lessons.pages import Question, read_page, read_question
from gradleak_core.lessons.shelf import LESSONS
from gradleak_core.types import JSON, Refused

TIMES = ("before", "after")
"""When the questions are asked. Those after ask for the same ideas in other words, so that they can be compared."""
ANSWERS = "answers.jsonl"
LONGEST_NICKNAME = 40
MOST_BYTES_OF_ANSWERS = 10_000_000
"""The size from which on no more answers are kept: those of some fifty thousand people."""
COLUMNS_OF_ANSWERS = ("handed in", "when", "name", "question", "answer", "right answer", "right")
_writing = Lock()


def read_questions(when: str, code: str = "en") -> list[Question]:
    """Returns the questions before or after the lessons in a language; in English where they are not translated."""
    own = LESSONS / "questions" / code / f"{when}.md"
    return list(_read_questions(own if own.is_file() else LESSONS / "questions" / f"{when}.md"))


@lru_cache(8)
def _read_questions(file: Path) -> tuple[Question, ...]:
    page = read_page(file.name, file.read_text(encoding="utf-8"))
    found = [read_question(page, placed, heading, heading) for heading, placed in page.sections.items() if heading]
    if page.mistakes:
        raise Refused(" ".join(page.mistakes))
    return tuple(question for question in found if question)


def clean_nickname(name: str) -> str:
    """Returns what somebody calls themselves on one line; it may be empty. Raises `Refused` if it is too long."""
    line = " ".join(name.split())
    if len(line) > LONGEST_NICKNAME:
        raise Refused(f"A name here has at most {LONGEST_NICKNAME} characters.")
    return line


def hand_in(folder: Path, when: str, name: str, answers: Sequence[int], person: str | None) -> None:
    """Keeps one person's answers, each the place of an option, in the data folder. Raises `Refused`."""
    questions = read_questions(when) if when in TIMES else []
    if len(answers) != len(questions) or not all(
        0 <= answer < len(question.options) for answer, question in zip(answers, questions, strict=False)
    ):
        raise Refused("Every question needs one of its answers.")
    file = folder / ANSWERS
    if file.is_file() and file.stat().st_size > MOST_BYTES_OF_ANSWERS:
        raise Refused(f"No more answers can be kept; move {ANSWERS} out of the data folder.")
    row = {"at": time.time(), "when": when, "name": clean_nickname(name), "answers": [*answers], "person": person}
    with _writing, file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def handed_in(folder: Path) -> list[JSON]:
    """Returns all answers that were handed in, oldest first. A line that a crash has cut off is left out."""
    file = folder / ANSWERS
    rows = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return [row for row in rows if isinstance(row, dict) and row.get("when") in TIMES]


def write_answers(rows: Sequence[Mapping[str, object]]) -> str:
    """Returns answers as CSV, a row for each question that was answered, and whether the answer is right."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS_OF_ANSWERS)
    for row in rows:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_seconds(row.get("at"))))
        given = row.get("answers")
        questions = read_questions(str(row["when"]))
        for question, answer in zip(questions, given if isinstance(given, list) else (), strict=False):
            right = question.options[question.right]
            said = question.options[answer] if answer in range(len(question.options)) else ""
            cells = (at, row["when"], row.get("name", ""), question.text, said, right, int(answer == question.right))
            table.writerow([harmless(str(cell)) for cell in cells])
    return out.getvalue()


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
