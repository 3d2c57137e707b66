"""Every run and every frame that was shown, in one SQLite file. Imports no torch.

One connection writes, in a thread of its own and many changes a transaction; readers open their own, read-only.
SQLite before 3.51.3 can damage a WAL file when two connections write or checkpoint at once: hence the single writer,
and the lock that keeps a second server away from the file.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from gradleak_core.data.files import PRIVATE_FOLDER, read_json
from gradleak_core.runs.disk import Unreadable, Unwritable
from gradleak_core.runs.lock import lock
from gradleak_core.runs.opening import open_for_writing
from gradleak_core.runs.protocol import encode, finite
from gradleak_core.runs.recovery import losses
from gradleak_core.runs.shapes import decode_row
from gradleak_core.runs.writer import Write, Writer
from gradleak_core.verdicts import UNFINISHED

ROW = """id, name, created, status, message, experiment, started, result, race_head AS race, tags,
    owner, link, race_link,
    (SELECT max(iteration) FROM frames WHERE run = runs.id) AS iteration"""
HANDED = """UPDATE runs SET started =
    json_set(CASE WHEN json_valid(started) THEN started ELSE '{}' END, '$.given', ?, '$.given_at', ?) WHERE id = ?"""
MOST_HELD = 64 * 2**20
"""The most bytes of pictures that wait for room. Frames that come later keep their numbers and lose their picture."""


def insertion(lanes: Mapping[str, tuple[str, Any]], race: Any, owner: str | None) -> Write:
    """Returns the change that adds queued runs, each with its name and experiment, as the lanes of a race if any."""
    now, end = time.time(), (race["id"], json.dumps(race)) if race else (None, None)
    rows = [(run, name, now, json.dumps(experiment), *end, owner) for run, (name, experiment) in lanes.items()]
    columns = "(id, name, created, status, experiment, race, race_head, owner)"
    text = f"INSERT INTO runs {columns} VALUES (?, ?, ?, 'queued', ?, ?, ?, ?)"
    return lambda db: db.executemany(text, rows)


class Store:
    """The runs and frames in the file `path`. What waits for room on the disk counts as stored or deleted already.

    May be used from any thread. Raises `Refused` when a newer GradLeak wrote the file, when it cannot be opened, or
    when another server uses it. Reading raises `Unreadable` when the file cannot be read at the moment.
    """

    row_columns = ROW

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self._lock = lock(path.with_suffix(".lock"))
        try:
            self._writer = Writer(open_for_writing(path))
        except BaseException:
            self._lock.release()
            raise
        self.losses = losses(path)
        """The sentences on what was lost of damaged files."""
        self._news: dict[str, dict[str, Any]] = {}
        """The values of runs that are handed over and not on disk yet."""
        self._leaving: set[str] = set()

    @property
    def trouble(self) -> str | None:
        """The reason why the last write failed, as a sentence; None when it did not."""
        return self._writer.trouble

    def close(self) -> None:
        """Writes all that was handed over, as far as there is room, and lets go of the file."""
        self._writer.close()
        self._lock.release()

    def write(self, change: Write) -> Future[None]:
        """Queues a change that may wait for room. Returns a future that is done once the change is on disk."""
        return self._writer.write(change)

    def flush(self) -> None:
        """Waits until all that was handed over is on disk, or waits for room there."""
        with suppress(Unwritable):
            self._writer.write(lambda db: None, waits=False).result()

    def add(self, run: str, name: str, experiment: Any) -> Future[None]:
        """Adds a queued run. The future raises `Unwritable` when there is no room for it now."""
        return self.add_lanes({run: (name, experiment)})

    def add_lanes(
        self, lanes: Mapping[str, tuple[str, Any]], race: Any = None, owner: str | None = None
    ) -> Future[None]:
        """Adds queued runs, each with its name and experiment, all or none; `race` is what they are the lanes of.

        They belong to `owner`; None is the operator.
        """
        return self._writer.write(insertion(lanes, race, owner), waits=False)

    def hand_over(self, run: str, times: int, iteration: int) -> Future[None]:
        """Notes how many times a run was handed to a worker at an iteration."""
        return self.write(lambda db: db.execute(HANDED, (times, iteration, run)))

    def start(self, run: str, started: Any, truth: bytes) -> Future[None]:
        """Marks a run as running, with its head and its private pictures."""
        row = (encode(started).decode(), truth, run)
        text = "UPDATE runs SET status = 'running', started = ?, truth = ? WHERE id = ?"
        return self._tell(run, lambda db: db.execute(text, row), status="running", started=finite(started))

    def frame(self, run: str, iteration: int, head: Any, picture: bytes) -> Future[None]:
        """Adds a frame to a run, or replaces the one of that iteration."""
        if self._writer.held + len(picture) > MOST_HELD:
            head, picture = head | {"picture": None}, b""
        row = (run, iteration, encode(head).decode(), picture, run)
        text = "INSERT OR REPLACE INTO frames SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?)"
        return self._tell(run, lambda db: db.execute(text, row), len(picture), iteration=iteration)

    def status(self, run: str, status: str, message: str | None = None, result: Any = None) -> Future[None]:
        """Sets the status of a run, a sentence on why, and its result. What has ended needs no checkpoint."""
        row = (status, message, None if result is None else encode(result).decode(), run)
        news: dict[str, Any] = {"status": status, "message": message, "result": finite(result)}

        def change(db: sqlite3.Connection) -> None:
            db.execute("UPDATE runs SET status = ?, message = ?, result = ? WHERE id = ?", row)
            if status not in UNFINISHED:
                db.execute("DELETE FROM checkpoints WHERE run = ?", (run,))

        return self._tell(run, change, **news)

    def keep_checkpoint(self, run: str, iteration: int, state: bytes) -> Future[None]:
        """Keeps what a worker has written down of a run at an iteration, in place of what it wrote down before."""
        if self._writer.held + len(state) > MOST_HELD:
            return self.write(lambda db: None)
        row = (run, iteration, state, run)
        text = "INSERT OR REPLACE INTO checkpoints SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?)"
        return self._writer.write(lambda db: db.execute(text, row), size=len(state))

    def checkpoints(self, runs: Collection[str]) -> dict[str, bytes]:
        """Returns what was written down of those of these runs of which anything was, when all of it is on disk."""
        self.flush()
        with self._reader() as db:
            marks = ", ".join("?" * len(runs))
            return dict(
                db.execute(f"SELECT run, state FROM checkpoints WHERE run IN ({marks})", tuple(runs)).fetchall()
            )

    def rename(self, run: str, name: str) -> Future[None]:
        """Renames a run. The future raises `Unwritable` when there is no room for it now."""
        text = "UPDATE runs SET name = ? WHERE id = ?"
        return self._writer.write(lambda db: db.execute(text, (name, run)), waits=False)

    def tag(self, run: str, tags: Sequence[str]) -> Future[None]:
        """Replaces the tags of a run. The future raises `Unwritable` when there is no room for it now."""
        row = (json.dumps(tags), run)
        return self._writer.write(lambda db: db.execute("UPDATE runs SET tags = ? WHERE id = ?", row), waits=False)

    def change_race(self, race: Any) -> Future[None]:
        """Replaces what is kept of a race. The future raises `Unwritable` when there is no room for it now."""
        row = (json.dumps(race), race["id"])
        text = "UPDATE runs SET race_head = ? WHERE race = ?"
        return self._writer.write(lambda db: db.execute(text, row), waits=False)

    def set_link(self, run: str, column: str, link: str | None) -> Future[None]:
        """Opens a run by a link, kept in a column, `link` or `race_link`; None ends it. Either counts at once."""
        text, row = f"UPDATE runs SET {column} = ? WHERE id = ?", (link, run)
        return self._tell(run, lambda db: db.execute(text, row), 0, **{column: link})

    def keep_uploader(self, images: Collection[str], owner: str, name: str = "") -> Future[None]:
        """Notes who hands in uploads, in which file. The future raises `Unwritable` when there is no room for it."""
        rows = [(image, owner, name, time.time()) for image in images]
        text = "INSERT OR REPLACE INTO uploaders (image, owner, name, at) VALUES (?, ?, ?, ?)"
        return self._writer.write(lambda db: db.executemany(text, rows), waits=False)

    def forget_uploaders(self, pairs: Collection[tuple[str, str | None]]) -> Future[None]:
        """Forgets that a person has handed in an upload, for each upload and person in `pairs`."""
        text, rows = "DELETE FROM uploaders WHERE image = ? AND owner = ?", list(pairs)
        return self._writer.write(lambda db: db.executemany(text, rows))

    def uploads_of(self, owner: str) -> dict[str, str]:
        """Returns the uploads that a person has handed in, each with the name of its file."""
        with self._reader() as db:
            found = db.execute("SELECT image, name FROM uploaders WHERE owner = ?", (owner,)).fetchall()
        return {image: name or "" for image, name in found}

    def uploaders(self) -> dict[tuple[str, str], float]:
        """Returns when each upload was handed in, in seconds since 1970, by the upload and the person."""
        with self._reader() as db:
            found = db.execute("SELECT image, owner, at FROM uploaders").fetchall()
        return {(image, owner): at or 0.0 for image, owner, at in found}

    def uploaded(self, image: str, owner: str) -> bool:
        """Returns whether a person has handed in an upload."""
        return self._blob("SELECT 1 FROM uploaders WHERE image = ? AND owner = ?", (image, owner)) is not None

    def delete(self, run: str) -> Future[None]:
        """Removes a run, which counts as gone at once. The future is done when its pictures are gone from the files."""

        def erase(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM runs WHERE id = ?", (run,))
            self._writer.erased = True

        self._leaving.add(run)
        done = self._writer.write(erase, urgent=True)
        done.add_done_callback(lambda _: self._leaving.discard(run))
        return done

    def _tell(self, run: str, change: Write, size: int = 0, **values: Any) -> Future[None]:
        """Hands over a change of a run and answers with the new values of its row until they are on disk."""
        news = self._news[run] = self._news.get(run, {}) | values
        done = self._writer.write(change, size=size)

        def forget(_: Future[None]) -> None:
            if self._news.get(run) is news and not done.exception():
                self._news.pop(run, None)

        done.add_done_callback(forget)
        return done

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """Opens a connection that only reads. Raises `Unreadable` in place of what SQLite raises."""
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
                db.row_factory = sqlite3.Row
                db.text_factory = lambda text: text.decode(errors="replace")  # one bad byte would take all rows with it
                yield db
        except sqlite3.Error as error:
            raise Unreadable(f"The runs cannot be read at the moment ({error}); try again.") from error

    def rows(self) -> list[dict[str, Any]]:
        """Returns the rows of all runs, newest first."""
        return self._rows("ORDER BY number DESC")

    def rows_of(self, owner: str) -> list[dict[str, Any]]:
        """Returns the rows of a person's runs, newest first."""
        return self._rows("WHERE owner = ? ORDER BY number DESC", owner)

    def lanes(self, race: str) -> list[dict[str, Any]]:
        """Returns the rows of the lanes of a race, in order; none for an unknown race."""
        return self._rows("WHERE race = ? ORDER BY number", race)

    def row(self, run: str) -> dict[str, Any] | None:
        """Returns the row of a run; None for an unknown run."""
        return next(iter(self._rows("WHERE id = ?", run)), None)

    def _rows(self, which: str, *values: str | None) -> list[dict[str, Any]]:
        news = dict(self._news)  # taken first, so that what is written meanwhile is in one of the two
        with self._reader() as db:
            found = [decode_row(row) for row in db.execute(f"SELECT {self.row_columns} FROM runs {which}", values)]
        return [row | news.get(row["id"], {}) for row in found if row["id"] not in self._leaving]

    def result_of(self, experiment: Any, owner: str | None = None) -> Any:
        """Returns the result of the owner's newest run of an experiment; None when no run of it has ended."""
        which = "WHERE experiment = ? AND owner IS ? AND result IS NOT NULL ORDER BY number DESC LIMIT 1"
        found = self._rows(which, json.dumps(experiment), owner)
        return found[0]["result"] if found else None

    def results(self, most: int) -> list[Any]:
        """Returns the results of the newest runs that have one and can be read, at most `most`."""
        rows = self._rows(f"WHERE result IS NOT NULL ORDER BY number DESC LIMIT {most:d}")
        return [row["result"] for row in rows if row["result"] and row["result"].get("experiment")]

    def heads(self, run: str, iteration: int | None = None) -> list[Any]:
        """Returns the heads of a run's frames that can be read, in order, or of the frame at one iteration."""
        heads = []
        query = f"SELECT head FROM frames WHERE run = ? {'' if iteration is None else 'AND iteration = ?'}"
        wanted = (run,) if iteration is None else (run, min(iteration, 2**62))
        with self._reader() as db:
            for (head,) in db.execute(f"{query} ORDER BY iteration", wanted):
                with suppress(ValueError, TypeError):
                    heads.append(read_json(head))
        return heads

    def pictures(self, run: str, chosen: Collection[int] | None = None) -> list[tuple[int, bytes]]:
        """Returns the iteration and the picture of every frame of a run that has one, or of those `chosen`."""
        which = "" if chosen is None else f"AND iteration IN ({', '.join(map(str, map(int, chosen)))})"
        query = (
            f"SELECT iteration, picture FROM frames WHERE run = ? AND length(picture) > 0 {which} ORDER BY iteration"
        )
        with self._reader() as db:
            return [(iteration, picture) for iteration, picture in db.execute(query, (run,))]

    def picture(self, run: str, iteration: int | None = None) -> bytes | None:
        """Returns the picture of the frame at an iteration, by default the last picture; None without one."""
        which = "" if iteration is None else "AND iteration = ?"
        query = f"SELECT picture FROM frames WHERE run = ? {which} AND length(picture) > 0"
        wanted = (run,) if iteration is None else (run, min(iteration, 2**62))
        return self._blob(f"{query} ORDER BY iteration DESC LIMIT 1", wanted)

    def truth(self, run: str) -> bytes | None:
        """Returns the private pictures of a run as one picture; None before it has started."""
        return self._blob("SELECT truth FROM runs WHERE id = ?", (run,))

    def _blob(self, query: str, values: tuple[Any, ...]) -> bytes | None:
        with self._reader() as db:
            found = db.execute(query, values).fetchone()
        return None if found is None else found[0]
