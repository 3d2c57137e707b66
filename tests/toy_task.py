"""A task for tests, which other processes import quickly."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradleak_core.spread.journal import key_of
from gradleak_core.spread.processes import PLACE_VARIABLE
from gradleak_core.types import Refused


@dataclass(frozen=True)
class Toy:
    """A task that returns its number, or does what its manner says first."""

    number: int
    manner: str = ""
    file: str = ""
    images: Sequence[str] = ()

    @property
    def key(self) -> str:
        return key_of(self.number)

    def __call__(self) -> Any:
        if self.manner == "refuse":
            raise Refused("The toy does not like this.")
        if self.manner == "break":
            raise Odd(1, 2)
        if self.manner == "die" or (self.manner == "die once" and not Path(self.file).exists()):
            Path(self.file).touch()
            os._exit(9)
        if self.manner == "linger":
            Path(self.file).write_text(str(os.getpid()), encoding="utf-8")
            time.sleep(60)
        return {"number": self.number, "process": os.getpid(), "place": os.environ.get(PLACE_VARIABLE)}


class Odd(Exception):
    """An error that cannot go to another process as it is."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"odd {one} and {two}")
