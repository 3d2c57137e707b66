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
ADDED = {"race": "TEXT", "race_head": "TEXT", "tags": "TEXT"}
"""The columns of runs that came after schema 2, and their types."""


def renew(db: sqlite3.Connection) -> None:
    """Rewrites a file of an older schema, all of it or nothing. A value that cannot be read stays as it is."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version >= SCHEMA:
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        there = {row[1] for row in db.execute("PRAGMA table_info(runs)")}
        for name in ADDED.keys() - there:
            db.execute(f"ALTER TABLE runs ADD COLUMN {name} {ADDED[name]}")
        for (table, column), change in COLUMNS.items() if version < 2 else ():
            rows = db.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
            for number, text in rows.fetchall():
                with suppress(ValueError, TypeError):
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (rewrite_json(text, change), number))
        db.execute(f"PRAGMA user_version = {SCHEMA}")


def rewrite_json(text: str, change: Callable[[Any], Any]) -> str:
    """Returns a JSON text after a change. Raises ValueError or TypeError when it is not JSON."""
    return json.dumps(change(read_json(text)))
