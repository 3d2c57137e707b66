"""Writes files whole or not at all, and reads back only JSON that can be passed on."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
"""The modes of a new folder and a new file that are their owner's alone, as all are that hold people's pictures."""


def write_whole(file: Path, data: bytes, *, private: bool = False) -> None:
    """Writes a file in one step, so that it has the old content or the new, whatever happens. Raises OSError.

    Only its owner can read a `private` one.
    """
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        part.touch(mode=PRIVATE_FILE if private else 0o666)
        part.write_bytes(data)
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read_json(text: str | bytes) -> Any:
    """Returns the value that a JSON text stands for.

    Raises ValueError when the text is not JSON, or holds NaN, infinities or endless nesting.
    """
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # Python reads NaN, and 1e999 as infinity
    except RecursionError as error:
        raise ValueError("there is no end to its nesting") from error
    return value
