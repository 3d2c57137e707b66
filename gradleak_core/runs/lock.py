"""One server a data folder."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from gradleak_core.types import Refused


class InUse(Refused):
    """Another server has the data folder."""


def lock(path: Path) -> FileLock:
    """Returns a file's lock, which the system releases with this process at the latest. Raises `InUse` if it is taken.

    Any thread may release it.
    """
    held = FileLock(path, thread_local=False)
    try:
        held.acquire(blocking=False)
    except Timeout as error:
        raise InUse(
            f"Another GradLeak server is using {path.parent}; stop it or choose another folder with GRADLEAK_DATA."
        ) from error
    return held
