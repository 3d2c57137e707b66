"""Mends a file of runs that is damaged, or that an older GradLeak has written. Imports no torch.

A damaged file is set aside, and what can be read of it is copied into a new one.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from gradleak_core.config.former import SCHEMA, renew_experiment, renew_head, renew_result, renew_started
from gradleak_core.data.files import PRIVATE_FILE, read_json

COLUMNS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("runs", "experiment"): renew_experiment,
    ("runs", "started"): renew_started,
    ("runs", "result"): renew_result,
    ("frames", "head"): renew_head,
}
"""The function that gives the JSON in a column today's names, by table and column."""
ADDED = {
    "runs": dict.fromkeys(("race", "race_head", "tags", "owner", "link", "race_link"), "TEXT"),
    "uploaders": {"name": "TEXT", "at": "REAL"},
}
"""The columns that came after schema 2, and their types, by table."""
CHECKPOINTS = """
CREATE TABLE IF NOT EXISTS checkpoints (
    run TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE, iteration INTEGER NOT NULL, state BLOB NOT NULL);
"""
"""What was written down of each unfinished run. It is not rescued, because a run without it begins anew."""
UPLOADERS = """
CREATE TABLE IF NOT EXISTS uploaders (
    image TEXT NOT NULL, owner TEXT NOT NULL, name TEXT, at REAL, PRIMARY KEY (image, owner));
"""
"""Who has handed in which upload, by what file name and when. A file of before has none of it."""
KEYS = {"runs": ("id",), "frames": ("run", "iteration"), "uploaders": ("image", "owner")}
BLANK: dict[str, dict[str, Any]] = {
    "runs": {"name": "A damaged run", "created": 0.0, "status": "interrupted", "experiment": "null"},
    "frames": {"head": "null", "picture": b""},
    "uploaders": {},
}
"""The values that stand in for those that cannot be read and must not be empty, by table."""
MOST_MISSES = 20_000
"""The unreadable rows in sequence after which a table is taken to have ended."""


def is_sound(db: sqlite3.Connection, schema: str) -> bool:
    """Returns whether every page can be read and every table and column of the schema is there.

    Raises sqlite3.OperationalError when the file cannot be opened at all.
    """
    try:
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            return False
        with closing(sqlite3.connect(":memory:")) as new:
            new.executescript(schema)
            old = KEYS.keys() - {"uploaders"}
            added = ADDED["runs"].keys()
            return all(set(column_names(db, table)) >= {*column_names(new, table)} - added for table in old)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False


def recover(path: Path, schema: str) -> None:
    """Replaces a damaged file by a new one, and keeps it under a dated name beside a note on what was lost.

    Raises sqlite3.Error or OSError, with the damaged file still in its place, when the new one cannot be written.
    """
    fresh = path.with_suffix(".recovering")
    fresh.unlink(missing_ok=True)
    try:
        fresh.touch(mode=PRIVATE_FILE)
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(fresh)) as new:
            new.executescript(schema)
            found = rescue(old, new)
            new.execute("PRAGMA user_version = 1")  # rows as old as that may be among them
            new.commit()
    except (sqlite3.Error, OSError):
        fresh.unlink(missing_ok=True)
        raise
    aside = set_aside(path)
    fresh.replace(path)
    aside.with_suffix(".txt").write_text(
        f"The file of runs was damaged. {found} What is left of the file is kept as {aside.name}; "
        "delete it from the data folder to end this message.",
        encoding="utf-8",
    )


def set_aside(path: Path) -> Path:
    """Renames a database, with the files that SQLite keeps beside it, and returns its new path."""
    aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    for end in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    return aside


def losses(path: Path) -> list[str]:
    """Returns what was lost, a text for each damaged file that is still kept beside `path`."""
    files = sorted(path.parent.glob(f"{path.stem}.damaged-*{path.suffix}"))
    notes = [file.with_suffix(".txt") for file in files]
    return [note.read_text(encoding="utf-8") for note in notes if note.exists()]


def rescue(old: sqlite3.Connection, new: sqlite3.Connection) -> str:
    """Copies every row that can be read. Returns what came over, as sentences."""
    read = {}
    for table in KEYS:
        names = [name for name in column_names(new, table) if name in column_names(old, table)]
        read[table] = sum(insert_row(new, table, row) for row in readable_rows(old, table, names)) if names else 0
    mentioned = [*listed_keys(old, "runs"), *new.execute("SELECT DISTINCT run FROM frames")]
    bare = sum(insert_row(new, "runs", {"id": run}) for (run,) in mentioned)
    lost = max(len(listed_keys(old, "frames")) - read["frames"], 0)
    if not read["runs"] + bare:
        return "Nothing could be read from it."
    return f"Runs read from it: {read['runs']}. Runs whose set-up is lost: {bare}. Frames lost: {lost}."


def readable_rows(db: sqlite3.Connection, table: str, names: list[str]) -> Iterator[dict[str, Any]]:
    """Yields the rows whose keys can be read, in order, each with the columns that can be read."""
    query = f"SELECT rowid, {', '.join(names)} FROM {table} WHERE rowid > ? ORDER BY rowid"
    last = misses = 0
    while misses < MOST_MISSES:
        try:
            for rowid, *values in db.execute(query, (last,)):
                last, misses = rowid, 0
                yield dict(zip(names, values, strict=True))
            return
        except sqlite3.DatabaseError:
            last, misses = last + 1, misses + 1
            if row := readable_columns(db, table, names, last):
                misses = 0
                yield row


def readable_columns(db: sqlite3.Connection, table: str, names: list[str], rowid: int) -> dict[str, Any]:
    """Returns those columns of a row that can be read; none when the key is not among them."""
    found = {}
    for name in (*KEYS[table], *names):
        with suppress(sqlite3.DatabaseError):
            (found[name],) = db.execute(f"SELECT {name} FROM {table} WHERE rowid = ?", (rowid,)).fetchone() or (None,)
        if name in KEYS[table] and found.get(name) is None:
            return {}
    return found


def listed_keys(db: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """Returns the keys that SQLite's index still lists; it often outlives a page of the table itself."""
    names = ", ".join(KEYS[table])
    query = f"SELECT {names} FROM {table} INDEXED BY sqlite_autoindex_{table}_1 ORDER BY {names}"
    found = []
    with suppress(sqlite3.DatabaseError):
        for row in db.execute(query):
            found.append(row)
    return found


def insert_row(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> int:
    """Adds a row unless its key is there. Returns how many rows were added."""
    whole = BLANK[table] | {name: value for name, value in row.items() if value is not None}
    marks = ", ".join("?" * len(whole))
    text = f"INSERT OR IGNORE INTO {table} ({', '.join(whole)}) VALUES ({marks})"
    return db.execute(text, tuple(whole.values())).rowcount


def column_names(db: sqlite3.Connection, table: str) -> list[str]:
    """Returns the names of a table's columns; none when it is not there or the file cannot be read."""
    try:
        return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return []


def renew(db: sqlite3.Connection) -> None:
    """Rewrites a file of an older schema, all of it or nothing. A value that cannot be read stays as it is."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version >= SCHEMA:
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(CHECKPOINTS)
        db.execute(UPLOADERS)
        for table, added in ADDED.items():
            for name in added.keys() - column_names(db, table):
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {added[name]}")
        for (table, column), change in COLUMNS.items() if version < 2 else ():
            rows = db.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
            for number, text in rows.fetchall():
                with suppress(ValueError, TypeError):  # it is not JSON
                    row = (json.dumps(change(read_json(text))), number)
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", row)
        db.execute(f"PRAGMA user_version = {SCHEMA}")
