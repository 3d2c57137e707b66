"""A data folder that lasts as long as the server. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from gradleak_core.runs.lock import InUse, lock

IN_MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory."""
ENOUGH = 2**30
"""The bytes that must be free there; a container often has less."""
PREFIX = "gradleak-ephemeral-"
YOUNG = 60
"""The seconds in which a folder may belong to a server that is still starting."""


@contextlib.contextmanager
def ephemeral_folder() -> Iterator[Path]:
    """Makes a data folder that only this user can read, in memory where there is room, and removes it at the end.

    The end may be an exception or SIGTERM too. Temporary files of this process and those that it starts lie in it.
    What a server that was killed has left is removed first.
    """
    place = IN_MEMORY if has_room(IN_MEMORY) else Path(tempfile.gettempdir())
    for old in place.glob(f"{PREFIX}*"):
        remove_left(old)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    signal.signal(signal.SIGTERM, leave)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    temporary = folder / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def has_room(place: Path) -> bool:
    """Returns whether a folder is there, can be written to, and has enough free bytes."""
    return place.is_dir() and os.access(place, os.W_OK) and shutil.disk_usage(place).free >= ENOUGH


def remove_left(folder: Path) -> None:
    """Removes the folder of a server that is no longer there; any other stays, and whatever is another account's.

    Everybody may put something under such a name there, a link to a folder of this account among it.
    """
    with contextlib.suppress(OSError, InUse):
        there = folder.lstat()
        own = stat.S_ISDIR(there.st_mode) and (sys.platform == "win32" or there.st_uid == os.getuid())
        if own and time.time() - there.st_mtime > YOUNG:
            lock(folder / "runs.lock").release()
            shutil.rmtree(folder)


def leave(signal_number: int, frame: FrameType | None) -> None:
    """Ends the program as a signal would, after its files are removed."""
    sys.exit(128 + signal_number)
