"""One server a data folder."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from gradleak_core.types import Refused


class InUse(Refused):
    """An error for a data folder that another server uses. The message is a sentence."""


def lock(path: Path) -> FileLock:
    """Takes the lock of a file and returns it. Raises `InUse` if another process has it.

    Any thread may release it; the system does so when this process ends.
    """
    held = FileLock(path, thread_local=False)
    try:
        held.acquire(blocking=False)
    except Timeout as error:
        raise InUse(
            f"Another GradLeak server is using {path.parent}; stop it or choose another folder with GRADLEAK_DATA."
        ) from error
    return held
