"""The store of a server with a room, which knows whose each run is: one run can be several people's. Imports no torch.

The table is made by the first room in a data folder. A server without one neither reads nor writes it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from gradleak_core.runs.store import ROW, Store, insertion

JOINERS = """CREATE TABLE IF NOT EXISTS joiners (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, person TEXT NOT NULL, open INTEGER NOT NULL DEFAULT 1,
    asked REAL NOT NULL DEFAULT 0, PRIMARY KEY (run, person))"""
"""Whose each run of a room is, and when they last asked for it. It is `open` until the room is closed."""
ASKED = "ALTER TABLE joiners ADD COLUMN asked REAL NOT NULL DEFAULT 0"
"""Brings the table of an older room up to date."""
PEOPLE = """(SELECT json_group_array(person) FROM
    (SELECT person FROM joiners WHERE run = runs.id ORDER BY rowid)) AS people,
    EXISTS (SELECT 1 FROM joiners WHERE run = runs.id AND open) AS in_room"""
JOIN = """INSERT INTO joiners (run, person, asked) VALUES (?, ?, ?)
    ON CONFLICT (run, person) DO UPDATE SET asked = excluded.asked"""
NEXT = "(SELECT person FROM joiners WHERE run = runs.id ORDER BY rowid LIMIT 1)"
"""The person who has had a run for longest, after whoever has left it."""


class RoomStore(Store):
    """The runs and frames in a file, and whose each run is."""

    row_columns = f"{ROW}, {PEOPLE}"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._writer.write(make_joiners, waits=False).result()
        except BaseException:
            self.close()
            raise

    def add_to_room(self, lanes: Mapping[str, tuple[str, Any]], race: Any, owner: str) -> Future[None]:
        """Adds queued runs as `add_lanes` does, so that the room may see them."""
        insert, rows = insertion(lanes, race, owner), [(run, owner, time.time()) for run in lanes]

        def add(db: sqlite3.Connection) -> None:
            insert(db)
            db.executemany(JOIN, rows)

        return self._writer.write(add, waits=False)

    def join(self, runs: Collection[str], person: str) -> Future[None]:
        """Makes runs a person's too. The future raises `Unwritable` when there is no room for it now."""
        rows = [(run, person, time.time()) for run in runs]
        return self._writer.write(lambda db: db.executemany(JOIN, rows), waits=False)

    def leave(self, runs: Collection[str], person: str) -> Future[None]:
        """Takes runs that others have too from a person; another owns them then. The future raises as `join`'s."""
        rows = [(run, person) for run in runs]

        def pass_on(db: sqlite3.Connection) -> None:
            db.executemany("DELETE FROM joiners WHERE run = ? AND person = ?", rows)
            db.executemany(f"UPDATE runs SET owner = {NEXT} WHERE id = ? AND owner = ?", rows)

        return self._writer.write(pass_on, waits=False)

    def close_room(self) -> Future[None]:
        """Ends what everybody in the room could see of others' runs. They stay those people's whose they are."""
        return self.write(lambda db: db.execute("UPDATE joiners SET open = 0"))

    def room_rows(self) -> list[dict[str, Any]]:
        """Returns the rows of all runs of the room, newest first."""
        return self._rows("WHERE id IN (SELECT run FROM joiners WHERE open) ORDER BY number DESC")

    def asked_since(self, begun: float) -> set[tuple[str, str]]:
        """Returns the runs that people asked for since a time, in seconds since 1970, each with the person."""
        with self._reader() as db:
            return {*db.execute("SELECT run, person FROM joiners WHERE asked >= ?", (begun,))}

    def owners_of_uploads(self) -> dict[str, set[str]]:
        """Returns who has handed in each upload."""
        owners: dict[str, set[str]] = {}
        with self._reader() as db:
            for image, owner in db.execute("SELECT image, owner FROM uploaders"):
                owners.setdefault(image, set()).add(owner)
        return owners

    def same(self, experiments: Sequence[Any], by: str | None) -> list[list[dict[str, Any]]]:
        """Returns the rows of those of the room's runs that have these experiments, newest first.

        Several are the lanes of a race in their order, which `by` measures as theirs; it is None for a single run.
        """
        texts = [json.dumps(experiment) for experiment in experiments]
        marks = ", ".join("?" * len(texts))
        which = f"WHERE id IN (SELECT run FROM joiners WHERE open) AND experiment IN ({marks}) ORDER BY number"
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows(which, *texts):
            groups.setdefault(row["race"]["id"] if row["race"] else row["id"], []).append(row)
        alike = [rows for rows in groups.values() if _is_alike(rows, experiments, by)]
        return [rows for rows in reversed(alike) if rows[0]["race"] is None or self._is_whole(rows)]

    def rows_of(self, owner: str) -> list[dict[str, Any]]:
        """Returns the rows of the runs that a person has, alone or with others, newest first."""
        which = "WHERE owner = ? OR id IN (SELECT run FROM joiners WHERE person = ?) ORDER BY number DESC"
        return self._rows(which, owner, owner)

    def _rows(self, which: str, *values: str | None) -> list[dict[str, Any]]:
        rows = super()._rows(which, *values)
        return [row | {"people": json.loads(row["people"]), "in_room": bool(row["in_room"])} for row in rows]

    def _is_whole(self, rows: list[dict[str, Any]]) -> bool:
        return len(self.lanes(rows[0]["race"]["id"])) == len(rows)


def make_joiners(db: sqlite3.Connection) -> None:
    """Makes the table of whose each run is, if there is none."""
    db.execute(JOINERS)
    if "asked" not in {column[1] for column in db.execute("PRAGMA table_info(joiners)")}:
        db.execute(ASKED)


def _is_alike(rows: list[dict[str, Any]], experiments: Sequence[Any], by: str | None) -> bool:
    race = rows[0]["race"]
    return [row["experiment"] for row in rows] == [*experiments] and (race and race["by"]) == by
