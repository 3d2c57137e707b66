"""A file of results, one a line, that grows while work goes on and is whole whenever that breaks off."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from gradleak_core.types import JSON


class Journal:
    """The rows of tasks that are done, each under its task's key. Without a file nothing is kept."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    def read(self) -> dict[str, JSON]:
        """Returns the rows by their keys, the last of each. A line that was cut off is left out."""
        if self.file is None or not self.file.exists():
            return {}
        rows = {}
        for line in self.file.read_bytes().splitlines():
            try:
                key, row = json.loads(line)
                rows[str(key)] = row
            except (ValueError, TypeError):
                continue
        return rows

    def note(self, key: str, row: JSON) -> None:
        """Adds a row, on a line of its own even if the last one was cut off. Raises OSError."""
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            cut = end and file.read(1) != b"\n"
            file.write(b"\n" * bool(cut) + json.dumps([key, row]).encode() + b"\n")

    def forget(self) -> None:
        """Deletes all rows."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


def key_of(said: JSON) -> str:
    """Returns sixteen hexadecimal digits that stand for a JSON value."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
