"""`python -m gradleak_core.runs.exports KIND`: reads a recording's JSON and answers with the file, or with why not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from gradleak_core.runs.exports.kinds import write_export
from gradleak_core.runs.exports.maker import MADE, REFUSED
from gradleak_core.types import JSON, Refused


def answer_export(kind: str, write: Callable[[str, JSON], bytes] = write_export) -> None:
    """Reads a recording on standard input and writes a mark and the file, or the sentence, to standard output."""
    with suppress(AttributeError, OSError):
        os.nice(10)  # runs come first
    try:
        said = MADE + write(kind, json.load(sys.stdin.buffer))
    except Refused as refused:
        said = REFUSED + str(refused).encode()
    sys.stdout.buffer.write(said)


if __name__ == "__main__":
    answer_export(sys.argv[1])
