"""Finds the lessons: those that come along, and one's own in the data folder. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gradleak_core.lessons.reading import Lesson, read_lesson, read_translation
from gradleak_core.places import ASSETS

LESSONS = ASSETS / "lessons"
OWN_LESSONS = "lessons"
"""The folder of one's own lessons in the data folder."""


@dataclass(frozen=True)
class LessonShelf:
    """The lessons in their order, and one sentence on each mistake that keeps a file from being one."""

    lessons: tuple[Lesson, ...]
    mistakes: tuple[str, ...] = ()

    def find(self, name: str) -> Lesson | None:
        """Returns the lesson of this name, if there is one. The number before a name may be left out."""
        short = {lesson.name.partition("_")[2]: lesson for lesson in self.lessons}
        return {lesson.name: lesson for lesson in self.lessons}.get(name) or short.get(name)


def find_lessons(folder: Path | None = None, code: str = "en") -> LessonShelf:
    """Returns the lessons in a language, as far as they are translated, in the order of their file names.

    `folder` is the data folder, whose `lessons/` is read too: a file there takes the place of one of the same name.
    """
    files = {file.stem: file for place in _shelves(folder) for file in sorted(place.glob("*.md"))}
    lessons, mistakes = list[Lesson](), list[str]()
    for name in sorted(files):
        found, complaints = load_lesson(files[name], code)
        mistakes += complaints
        lessons += [found] if found else []
    return LessonShelf(tuple(lessons), tuple(mistakes))


def _shelves(folder: Path | None) -> list[Path]:
    return [LESSONS, *([folder / OWN_LESSONS] if folder else [])]


def load_lesson(file: Path, code: str = "en") -> tuple[Lesson | None, list[str]]:
    """Returns the lesson of a file, in a language if the folder of that name beside it has a translation.

    Returns None where it cannot be read, and one sentence on each mistake.
    """
    lesson, mistakes = _load(file, _changed(file))
    translation = file.parent / code / file.name
    if lesson is None or code == "en" or not translation.is_file():
        return lesson, list(mistakes)
    translated, complaints = _translate(lesson, translation)
    return translated, [*mistakes, *complaints]


def _changed(file: Path) -> int:
    return file.stat().st_mtime_ns


@lru_cache(200)
def _load(file: Path, changed: int) -> tuple[Lesson | None, tuple[str, ...]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        return None, (f"{file.name} cannot be read: {why}.",)
    lesson, mistakes = read_lesson(file.stem, file.name, text)
    return lesson, tuple(mistakes)


def _translate(lesson: Lesson, file: Path) -> tuple[Lesson, list[str]]:
    name = f"{file.parent.name}/{file.name}"
    try:
        return read_translation(lesson, name, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return lesson, [f"{name} cannot be read."]
