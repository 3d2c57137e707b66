"""`lessons`: lists the lessons, and says what is wrong with a file that is to be one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gradleak_core.catalogue import catalogue
from gradleak_core.data import data_folder
from gradleak_core.lessons.checking import check_lesson
from gradleak_core.lessons.shelf import LessonShelf, find_lessons, load_lesson
from gradleak_core.types import Refused


def list_lessons(files: Sequence[Path], data: Path | None, out: Console) -> int:
    """Prints the lessons of files, or all that a dashboard would show. Returns the exit code.

    Raises `Refused` with a sentence on each mistake.
    """
    folder = data or data_folder()
    shelf = read_files(files) if files else find_lessons(folder)
    known = catalogue()
    mistakes = [*shelf.mistakes, *(said for one in shelf.lessons for said in check_lesson(one, known, folder))]
    if mistakes:
        raise Refused("\n".join(mistakes))
    rows = Table("file", "title", "minutes", "is done by")
    for lesson in shelf.lessons:
        rows.add_row(lesson.file, lesson.title, str(lesson.minutes), lesson.deed.rule)
    out.print(rows)
    return 0


def read_files(files: Sequence[Path]) -> LessonShelf:
    """Returns the lessons in files."""
    if missing := [str(file) for file in files if not file.is_file()]:
        raise Refused(f"There is no file {missing[0]}.")
    read = [load_lesson(file) for file in files]
    return LessonShelf(tuple(one for one, _ in read if one), tuple(said for _, mistakes in read for said in mistakes))
