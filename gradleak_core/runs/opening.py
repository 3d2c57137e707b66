"""Opens the file of runs for the one who writes it: makes or mends it if need be. Imports no torch."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gradleak_core.config.former import SCHEMA
from gradleak_core.data.files import PRIVATE_FILE
from gradleak_core.runs.disk import FULL, out_of_room
from gradleak_core.runs.recovery import CHECKPOINTS, UPLOADERS, is_sound, recover, renew
from gradleak_core.types import Refused

TABLES = f"""
BEGIN;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created REAL NOT NULL,
    status TEXT NOT NULL, message TEXT, experiment TEXT NOT NULL, started TEXT, result TEXT, truth BLOB,
    race TEXT, race_head TEXT, tags TEXT, owner TEXT, link TEXT, race_link TEXT);
CREATE TABLE frames (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, iteration INTEGER NOT NULL, head TEXT NOT NULL,
    picture BLOB NOT NULL, PRIMARY KEY (run, iteration));
{CHECKPOINTS}
{UPLOADERS}
PRAGMA user_version = {SCHEMA};
COMMIT;
"""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Opens the file of runs for writing, after making or mending it if need be. Raises `Refused`."""
    try:
        if path.exists() and not usable(path):
            recover(path, TABLES)
        path.touch(mode=PRIVATE_FILE)
        db = sqlite3.connect(path, check_same_thread=False, timeout=5)
        prepare_database(db)
    except (sqlite3.Error, OSError) as error:
        if out_of_room(error):
            raise Refused(FULL) from error
        advice = "move it away or choose another folder with GRADLEAK_DATA"
        raise Refused(f"{path} cannot be used for runs ({error}); {advice}.") from error
    return db


def usable(path: Path) -> bool:
    """Returns whether a file is undamaged. Raises `Refused` when a newer GradLeak wrote it, and OperationalError."""
    with closing(sqlite3.connect(path, timeout=5)) as db:
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return False
        if version > SCHEMA:
            raise Refused(
                f"{path} was written by a newer GradLeak (schema {version}, this one knows {SCHEMA}); "
                "update GradLeak or choose another folder with GRADLEAK_DATA."
            )
        return version == 0 or is_sound(db, TABLES)


def prepare_database(db: sqlite3.Connection) -> None:
    """Sets a connection up to write, and makes the tables of a new file."""
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            db.executescript(TABLES)
        renew(db)
    except sqlite3.Error:
        db.close()
        raise
