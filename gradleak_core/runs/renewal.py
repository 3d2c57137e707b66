"""A file of runs that an older GradLeak has written is rewritten by the names of now. Imports no torch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gradleak_core.config.former import SCHEMA, renew_experiment, renew_head, renew_result, renew_started
from gradleak_core.data.files import read_json

COLUMNS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("runs", "experiment"): renew_experiment,
    ("runs", "started"): renew_started,
    ("runs", "result"): renew_result,
    ("frames", "head"): renew_head,
}
"""The function that gives the JSON in a column today's names, by table and column."""


def renew(db: sqlite3.Connection) -> None:
    """Rewrites a file of schema 1, all of it or nothing. A value that cannot be read stays as it is."""
    if db.execute("PRAGMA user_version").fetchone()[0] >= SCHEMA:
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        for (table, column), change in COLUMNS.items():
            rows = db.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
            for number, text in rows.fetchall():
                with suppress(ValueError, TypeError):
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (rewrite_json(text, change), number))
        db.execute(f"PRAGMA user_version = {SCHEMA}")


def rewrite_json(text: str, change: Callable[[Any], Any]) -> str:
    """Returns a JSON text after a change. Raises ValueError or TypeError when it is not JSON."""
    return json.dumps(change(read_json(text)))
