"""The catalogue of what the engine can do, remembered from the last start. Imports no torch."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradleak_core.data.files import read_json, write_whole
from gradleak_core.runs.disk import describe_unwritten

ENGINE = Path(__file__).resolve().parents[1]
catalogue_log = logging.getLogger("gradleak.catalogue")


class Known:
    """A remembered catalogue, so that the first page need not wait for a worker; `value` is None until one is known."""

    def __init__(self, file: Path, command: Sequence[str]) -> None:
        self._file = file
        self._key = catalogue_key(command)
        self.value: Any = self._read()

    def learn(self, catalogue: Any) -> None:
        """Keeps the catalogue that a worker has sent, for this start and, if it can be written, the next."""
        self.value = catalogue
        if catalogue != self._read():
            try:
                write_whole(self._file, json.dumps({"key": self._key, "catalogue": catalogue}).encode())
            except OSError as error:
                catalogue_log.warning("%s", describe_unwritten(error))

    def _read(self) -> Any:
        try:
            kept = read_json(self._file.read_bytes())
            return kept["catalogue"] if kept["key"] == self._key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def catalogue_key(command: Sequence[str]) -> dict[str, Any]:
    """Returns what a catalogue depends on: versions, the command, and when the engine's files last changed."""
    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = ""
    newest = max(file.stat().st_mtime_ns for file in ENGINE.rglob("*.py"))
    return {"python": platform.python_version(), "torch": torch, "source": newest, "command": list(command)}
