"""What one person sees of a game."""

from __future__ import annotations

from typing import Any


def see(game: Any, asker: str | None) -> Any:
    return game.common() | game.own(asker)
