"""Errors of writing and reading the data folder, each told in one sentence, and without its place. Imports no torch."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from gradleak_core.types import Refused

FULL = (
    "The disk is full. What is under way is kept in memory until there is room, and new runs are refused; "
    "delete some runs or free some space on the server."
)
PASSING = ("is full", "disk I/O error", "readonly", "is locked", "unable to open", "out of memory")
"""The words in SQLite's messages about troubles that may pass by themselves."""
FOLDERS = re.compile(r"(?<![\w:/\\.~])(?:file://|~|[A-Za-z]:)?[/\\]+(?:[^\s/\\'\":;,]+[/\\]+)*(?=[^\s/\\'\":;,])")
"""Matches an absolute path up to its last part, of POSIX or Windows, but no address such as http://localhost/x."""


class Unwritable(Refused):
    """An error for data that cannot be kept at the moment. The message is a sentence on why."""


class Unreadable(Refused):
    """An error for data that cannot be read at the moment. The message is a sentence on why."""


def out_of_room(error: BaseException) -> bool:
    """Returns whether a write failed because the disk, the quota or the largest size of a file is used up."""
    if isinstance(error, sqlite3.OperationalError):
        return "is full" in str(error)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def may_pass(error: BaseException) -> bool:
    """Returns whether an error of SQLite may pass by itself, so that the same change may succeed later."""
    return isinstance(error, sqlite3.OperationalError) and any(words in str(error) for words in PASSING)


def describe_unwritten(error: BaseException) -> str:
    """Returns a sentence on why something could not be written."""
    if out_of_room(error):
        return FULL
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"The data folder cannot be written to: {reason}."


@contextmanager
def writing() -> Iterator[None]:
    """Raises `Unwritable` in place of an OSError of what is done inside it."""
    try:
        yield
    except OSError as error:
        raise Unwritable(describe_unwritten(error)) from error


def without_folders(text: str) -> str:
    """Returns `text` with every absolute path cut to its last part: `/srv/gradleak/runs.sqlite3` to `runs.sqlite3`."""
    return FOLDERS.sub("", text)
