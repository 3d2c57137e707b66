"""`talk check`: says all that is wrong with a talk, and finds the talk that a command names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from gradleak_core.catalogue import catalogue
from gradleak_core.cli.attack import FAILED
from gradleak_core.config.admission import admit
from gradleak_core.config.schemas import quoted
from gradleak_core.data import data_folder
from gradleak_core.talks.checks import check_chapters, find_warnings
from gradleak_core.talks.form import load_talk, minutes_of, read_talk
from gradleak_core.talks.shelf import RECORDINGS, SHIPPED, TALK_FILE, list_names
from gradleak_core.types import Refused


def find_talk(text: str) -> Path:
    """Returns the file of a talk that is named by its path, by its folder, or by its name. Raises `Refused`."""
    path = Path(text)
    places = (path, path / TALK_FILE, data_folder() / "talks" / text / TALK_FILE, SHIPPED / text / TALK_FILE)
    for file in places:
        if file.is_file():
            return file
    names = ", ".join(list_names(SHIPPED))
    raise Refused(f"There is no talk {quoted(text)}; give a talk.json or one of {names}.")


def finder(file: Path) -> Callable[[str], Path | None]:
    """Returns what finds the recordings of a talk: beside its file, or among those of all talks."""

    def find(name: str) -> Path | None:
        return next((place for place in (file.parent / name, RECORDINGS / name) if place.is_file()), None)

    return find


def check_talk(file: Path, out: Console) -> int:
    """Prints what is wrong with a talk and what may go wrong, and returns the exit code. Raises `Refused`."""
    known = catalogue()
    talk, mistakes = read_talk(load_talk(read_talk_bytes(file)))
    if not mistakes:
        mistakes = check_chapters(talk, known, lambda experiment: admit(experiment, known))
    warned = [] if mistakes else find_warnings(talk, known, lambda experiment: admit(experiment, known), finder(file))
    for style, sentences in (("red", mistakes), ("yellow", warned)):
        for sentence in sentences:
            out.print(sentence, style=style, highlight=False, markup=False, soft_wrap=True)
    if not mistakes:
        count, takes = len(talk["chapters"]), minutes_of(talk)
        said = f"{talk['title']}: {count} chapters, {takes:g} of {talk['minutes']:g} minutes."
        out.print(said, highlight=False, markup=False, soft_wrap=True)
    return FAILED if mistakes else 0


def read_talk_bytes(file: Path) -> bytes:
    """Returns what is in a talk's file. Raises `Refused`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {str(error.strerror).lower()}.") from error
