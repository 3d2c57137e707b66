"""The folders of talks, each `<name>/talk.json` with its recordings beside it. Imports no torch."""

from __future__ import annotations

import hashlib
import re
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradleak_core.config.schemas import fit_text
from gradleak_core.data.files import write_whole
from gradleak_core.places import ASSETS
from gradleak_core.runs.disk import writing
from gradleak_core.runs.service import Service
from gradleak_core.talks.form import RECORDING_NAME, minutes_of, parse_talk, write_talk
from gradleak_core.types import JSON, Refused

SHIPPED = ASSETS / "talks"
RECORDINGS = ASSETS / "recordings"
"""Recordings that any talk may name."""
TALK_FILE = "talk.json"
TALK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MOST_TALKS = 30
"""The most talks that one person keeps."""
MOST_OF_A_RECORDING, MOST_OF_A_SHELF = 2 * 2**20, 60 * 2**20
"""The most bytes of a recording beside a talk, and of all files of the talks that one person keeps."""


class NoTalk(LookupError):
    """An error for a talk or a recording that is not there. The message is a sentence."""


@dataclass(frozen=True)
class Shelf:
    """The talks that somebody may see: their own, those that the operator has put into the data folder, the shipped."""

    own: Path | None
    """The folder of the talks that they may change; None for whoever may change none."""
    others: tuple[Path, ...] = (SHIPPED,)

    @property
    def folders(self) -> list[Path]:
        """The folders in which a talk is looked for, in order."""
        return [*([self.own] if self.own else []), *self.others]

    def find(self, name: str) -> Path:
        """Returns the folder of a talk. Raises `NoTalk`."""
        places = (folder / name for folder in self.folders) if TALK_NAME.fullmatch(name) else ()
        found = next((place for place in places if (place / TALK_FILE).is_file()), None)
        if found is None:
            raise NoTalk("There is no such talk; the page of talks lists those that there are.")
        return found

    def changeable(self, name: str) -> bool:
        """Returns whether a talk is one that may be changed."""
        return self.own is not None and self.find(name).parent == self.own

    def read(self, name: str) -> JSON:
        """Returns a talk with its defaults. Raises `NoTalk`, and `Refused` for one with a mistake."""
        return read_talk_file(self.find(name) / TALK_FILE)

    def rows(self) -> list[JSON]:
        """Returns a row for each talk, those that may be changed first, then the shorter first.

        A row is the talk's name, what a list says of it, and `problem`, why it cannot be shown.
        """
        names = dict.fromkeys(name for folder in self.folders for name in list_names(folder))
        return sorted(map(self.row, names), key=lambda row: (not row["changeable"], row["minutes"], row["title"]))

    def row(self, name: str) -> JSON:
        """Returns what a list says of one talk. Raises `NoTalk`."""
        row: JSON = {"name": name, "changeable": self.changeable(name), "problem": None}
        try:
            talk = self.read(name)
        except Refused as refused:
            return row | {"title": name, "minutes": 0, "language": "en", "chapters": 0, "problem": str(refused)}
        said = {field: talk[field] for field in ("title", "minutes", "language")}
        return row | said | {"chapters": len(talk["chapters"]), "takes": minutes_of(talk)}

    def recording(self, name: str, file: str) -> Path | None:
        """Returns where a recording of a talk lies, beside it or among those of all; None if it is missing."""
        if not RECORDING_NAME.fullmatch(file):
            return None
        return next((place for place in (self.find(name) / file, RECORDINGS / file) if place.is_file()), None)

    def write(self, name: str, talk: JSON) -> None:
        """Keeps a talk under a name. Raises `Refused` where none may be kept, or no more."""
        folder = self.folder_to_write(name)
        with writing():
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / TALK_FILE, write_talk(talk).encode())

    def write_recording(self, name: str, file: str, data: bytes) -> None:
        """Keeps a recording beside a talk. Raises `Refused`."""
        if not RECORDING_NAME.fullmatch(file) or file == TALK_FILE or len(data) > MOST_OF_A_RECORDING:
            raise Refused(f"A recording must be smaller than {MOST_OF_A_RECORDING // 2**20} MB; take smaller pictures.")
        folder = self.folder_to_write(name)
        kept = sum(place.stat().st_size for place in folder.parent.glob("*/*.json"))
        if kept + len(data) > MOST_OF_A_SHELF:
            raise Refused(f"Your talks take {MOST_OF_A_SHELF // 2**20} MB already; delete one first.")
        with writing():
            write_whole(folder / file, data)

    def folder_to_write(self, name: str) -> Path:
        """Returns the folder of a talk that may be changed, or of a new one. Raises `Refused`."""
        if self.own is None or not TALK_NAME.fullmatch(name):
            raise Refused("This talk cannot be changed here; take a copy of it.")
        if not (self.own / name).is_dir() and len(list_names(self.own)) >= MOST_TALKS:
            raise Refused(f"{MOST_TALKS} talks are kept already; delete one first.")
        return self.own / name

    def delete(self, name: str) -> None:
        """Removes a talk and its recordings. Raises `NoTalk`, or `Refused` for one that may not be changed."""
        if not self.changeable(name):
            raise Refused("This talk came with GradLeak and stays.")
        with writing():
            shutil.rmtree(self.find(name))

    def copy(self, name: str) -> str:
        """Keeps a copy of a talk with its recordings, and returns its name. Raises `NoTalk` or `Refused`."""
        source, talk = self.find(name), self.read(name)
        talk["title"] = f"{fit_text(talk['title'], 90)} (copy)"
        new = self.new_name(talk["title"])
        self.write(new, talk)
        for chapter in talk["chapters"]:
            beside = source / chapter["recording"]
            if chapter["recording"] and beside.is_file():
                self.write_recording(new, chapter["recording"], beside.read_bytes())
        return new

    def new_name(self, title: str) -> str:
        """Returns a name for a talk of this title that no talk has yet."""
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "talk"
        taken = {row["name"] for row in self.rows()}
        names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
        return next(name for name in names if name not in taken)


def shelf_of(service: Service) -> Shelf:
    """Returns the talks that whoever asks may see, and among them those that they may change.

    On an open server those in the data folder are everybody's. On one that keeps people apart each has their own, and
    in a room the host alone changes any.
    """
    folder, asker = service.folder / "talks", service.asker
    if asker.everything:
        return Shelf(folder)
    own = None
    if asker.person is not None and asker.admitted and (asker.host or service.room is None):
        own = folder / f"@{hashlib.sha256(asker.person.encode()).hexdigest()[:16]}"
    return Shelf(own, (folder, SHIPPED))


def read_talk_file(file: Path) -> JSON:
    """Returns the talk in a file. Raises `Refused` where it cannot be read, or at its first mistake."""
    try:
        return parse_talk(file.read_bytes())
    except OSError as error:
        raise Refused(f"{file.name} cannot be read: {str(error.strerror).lower()}.") from error


def list_names(folder: Path) -> list[str]:
    """Returns the names of the talks in a folder, in order; none where there is no such folder."""
    return sorted(_names(folder)) if folder.is_dir() else []


def _names(folder: Path) -> Iterator[str]:
    for place in folder.iterdir():
        if TALK_NAME.fullmatch(place.name) and (place / TALK_FILE).is_file():
            yield place.name
