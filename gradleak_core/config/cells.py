"""Cells of a table that is opened in a spreadsheet. Imports no torch."""

from __future__ import annotations

from typing import Any

FORMULA = tuple("=+-@＝＋－＠")
"""The signs by which a spreadsheet may take a cell for a formula."""


def harmless(value: Any) -> Any:
    """Returns a cell that no spreadsheet computes: a text that might be a formula begins with an apostrophe."""
    if not isinstance(value, str):
        return value
    return f"'{value}" if value[:1].isspace() or value.lstrip().startswith(FORMULA) else value
