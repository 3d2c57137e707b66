"""The file in which a room outlives its server. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradleak_core.data.files import write_whole
from gradleak_core.languages import say
from gradleak_core.types import Refused

ROOM_FILE = "room.json"
"""The file in the data folder. It holds the PIN and everybody's nickname, and is readable by its owner only."""


def read_room(folder: Path) -> Any:
    """Returns what was saved of a room; None where there was none. Raises `Refused` for a file that is damaged."""
    try:
        saved = json.loads((folder / ROOM_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        saved = None
    if not isinstance(saved, dict) or not isinstance(saved.get("pin"), str):
        raise Refused(say("{file} in the data folder is damaged; delete it for a new room.", file=ROOM_FILE))
    return saved


def write_room(folder: Path, saved: Any) -> None:
    """Writes a room to its file, whole or not at all. Raises OSError."""
    write_whole(folder / ROOM_FILE, json.dumps(saved, ensure_ascii=False).encode(), private=True)
