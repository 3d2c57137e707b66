"""One server a data folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from gradleak_core.types import Refused


class InUse(Refused):
    """Another server has the data folder."""


def lock(path: Path) -> BinaryIO:
    """An open file that no other process can lock until it is closed. Raises `InUse` when one holds it."""
    file = path.open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise InUse(
            f"Another GradLeak server is using {path.parent}; stop it or choose another folder with GRADLEAK_DATA."
        ) from error
    return file
