"""Every run and every frame that was shown, in one SQLite file. Imports no torch.

One connection writes, in a thread of its own and many changes a transaction; readers open their own, read-only.
SQLite before 3.51.3 can damage a WAL file when two connections write or checkpoint at once: hence the single writer,
and the lock that keeps a second server away from the file.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gradleak_core.runs.lock import lock
from gradleak_core.runs.protocol import encode
from gradleak_core.types import Refused

SCHEMA = 1
TABLES = """
BEGIN;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created REAL NOT NULL,
    status TEXT NOT NULL, message TEXT, experiment TEXT NOT NULL, started TEXT, result TEXT, truth BLOB);
CREATE TABLE frames (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, iteration INTEGER NOT NULL, head TEXT NOT NULL,
    picture BLOB NOT NULL, PRIMARY KEY (run, iteration));
PRAGMA user_version = 1;
COMMIT;
"""
COLUMNS = """id, name, created, status, message, experiment, started, result,
    (SELECT max(iteration) FROM frames WHERE run = runs.id) AS iteration"""
INTERRUPTED = "The server stopped during this run; what was seen is kept. Run it again to see the rest."
DAMAGED = "This run is damaged: its set-up cannot be read any more. Its pictures are kept until you delete it."

Write = Callable[[sqlite3.Connection], object]


class Store:
    """The file `path`. Raises `Refused` when it is newer, damaged, or in use by another server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: str | None = None
        """Why the last write failed, as a sentence."""
        self._erased = False
        """Whether something was deleted that the write-ahead log still holds."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = lock(path.with_suffix(".lock"))
        try:
            self._db = open_for_writing(path)
        except BaseException:
            self._lock.close()
            raise
        self._jobs: queue.SimpleQueue[tuple[Write, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Everything handed over so far is on disk afterwards."""
        self._jobs.put(None)
        self._thread.join()
        self._db.close()
        self._lock.close()

    def write(self, change: Write) -> Future[None]:
        """Queues a change; the future is done once it is on disk. Changes keep their order."""
        done: Future[None] = Future()
        self._jobs.put((change, done))
        return done

    def flush(self) -> None:
        """Waits until all that was handed over is on disk."""
        self.write(lambda db: None).result()

    def _serve(self) -> None:
        ended = False
        while not ended:
            jobs = [self._jobs.get()]
            while not self._jobs.empty():
                jobs.append(self._jobs.get())
            ended = None in jobs
            self._commit([job for job in jobs if job is not None])

    def _commit(self, jobs: list[tuple[Write, Future[None]]]) -> None:
        try:
            with self._db:
                for change, _ in jobs:
                    change(self._db)
            self.trouble = None
        except Exception as error:  # a full disk must not end the thread; the futures and health tell
            if len(jobs) > 1:
                for job in jobs:
                    self._commit([job])
            else:
                self.trouble = f"Runs cannot be written to {self.path}: {error}."
                jobs[0][1].set_exception(error)
        else:
            self._wipe()
            for _, done in jobs:
                done.set_result(None)

    def _wipe(self) -> None:
        """Empties the write-ahead log after a deletion; tried again with the next change while somebody reads."""
        if self._erased:
            with suppress(sqlite3.Error):
                self._erased = bool(self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

    def add(self, run: str, name: str, experiment: Any) -> Future[None]:
        row = (run, name, time.time(), json.dumps(experiment))
        text = "INSERT INTO runs (id, name, created, status, experiment) VALUES (?, ?, ?, 'queued', ?)"
        return self.write(lambda db: db.execute(text, row))

    def start(self, run: str, started: Any, truth: bytes) -> Future[None]:
        row = (encode(started).decode(), truth, run)
        return self.write(
            lambda db: db.execute("UPDATE runs SET status = 'running', started = ?, truth = ? WHERE id = ?", row)
        )

    def frame(self, run: str, iteration: int, head: Any, picture: bytes) -> Future[None]:
        row = (run, iteration, encode(head).decode(), picture)
        return self.write(lambda db: db.execute("INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?)", row))

    def status(self, run: str, status: str, message: str | None = None, result: Any = None) -> Future[None]:
        row = (status, message, None if result is None else encode(result).decode(), run)
        return self.write(
            lambda db: db.execute("UPDATE runs SET status = ?, message = ?, result = ? WHERE id = ?", row)
        )

    def rename(self, run: str, name: str) -> Future[None]:
        return self.write(lambda db: db.execute("UPDATE runs SET name = ? WHERE id = ?", (name, run)))

    def delete(self, run: str) -> Future[None]:
        """Removes a run; once the future is done, its pictures are gone from the files too, and not only from view."""

        def erase(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM runs WHERE id = ?", (run,))
            self._erased = True

        return self.write(erase)

    def interrupt(self) -> Future[None]:
        """Marks the runs that a stopped server left unfinished."""
        text = "UPDATE runs SET status = 'interrupted', message = ? WHERE status IN ('running', 'paused')"
        return self.write(lambda db: db.execute(text, (INTERRUPTED,)))

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        db.row_factory = sqlite3.Row
        db.text_factory = lambda text: text.decode(errors="replace")  # else one bad byte would take all rows with it
        try:
            yield db
        finally:
            db.close()

    def rows(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        with self._reader() as db:
            return [plain(row) for row in db.execute(f"SELECT {COLUMNS} FROM runs ORDER BY number DESC")]

    def row(self, run: str) -> dict[str, Any] | None:
        with self._reader() as db:
            found = db.execute(f"SELECT {COLUMNS} FROM runs WHERE id = ?", (run,)).fetchone()
        return None if found is None else plain(found)

    def result_of(self, experiment: Any) -> Any:
        """What the newest run of the same experiment has found; None without one that has ended."""
        query = "SELECT result FROM runs WHERE experiment = ? AND result IS NOT NULL ORDER BY number DESC LIMIT 1"
        with self._reader() as db:
            found = db.execute(query, (json.dumps(experiment),)).fetchone()
        return None if found is None else json.loads(found[0])

    def heads(self, run: str) -> list[Any]:
        """The head of every frame message that can be read, in order."""
        heads = []
        with self._reader() as db:
            for (head,) in db.execute("SELECT head FROM frames WHERE run = ? ORDER BY iteration", (run,)):
                with suppress(ValueError, TypeError):
                    heads.append(json.loads(head))
        return heads

    def pictures(self, run: str) -> list[tuple[int, bytes]]:
        """(iteration, picture) of every frame that has one, in order."""
        query = "SELECT iteration, picture FROM frames WHERE run = ? AND length(picture) > 0 ORDER BY iteration"
        with self._reader() as db:
            return [(iteration, picture) for iteration, picture in db.execute(query, (run,))]

    def picture(self, run: str, iteration: int | None = None) -> bytes | None:
        """One frame's picture; the last one without `iteration`."""
        which = "" if iteration is None else "AND iteration = ?"
        query = f"SELECT picture FROM frames WHERE run = ? {which} AND length(picture) > 0"
        wanted = (run,) if iteration is None else (run, min(iteration, 2**62))
        return self._blob(f"{query} ORDER BY iteration DESC LIMIT 1", wanted)

    def truth(self, run: str) -> bytes | None:
        return self._blob("SELECT truth FROM runs WHERE id = ?", (run,))

    def _blob(self, query: str, values: tuple[Any, ...]) -> bytes | None:
        with self._reader() as db:
            found = db.execute(query, values).fetchone()
        return None if found is None else found[0]


def open_for_writing(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise Refused(
                f"{path} was written by a newer GradLeak (schema {version}, this one knows {SCHEMA}); "
                "update GradLeak or choose another folder with GRADLEAK_DATA."
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")
        if version == 0:
            db.executescript(TABLES)
    except sqlite3.Error as error:
        db.close()
        advice = "move it away or choose another folder with GRADLEAK_DATA"
        raise Refused(f"{path} cannot be used for runs ({error}); {advice}.") from error
    except Refused:
        db.close()
        raise
    return db


def plain(row: sqlite3.Row) -> dict[str, Any]:
    """A row as it leaves the store: JSON columns decoded, `iteration` 0 before the first frame.

    A row that cannot be read, or not be passed on as JSON, has the status `damaged` and an empty experiment.
    """
    values = dict(row) | {"iteration": row["iteration"] or 0}
    try:
        for name in ("experiment", "started", "result"):
            values[name] = None if values[name] is None else json.loads(values[name])
            if name == "experiment" or values[name] is not None:
                check_shape(values[name])
        json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
        values["created"] = float(values["created"])
    except (ValueError, TypeError, RecursionError):
        return remains(values)
    return values


def check_shape(value: Any) -> None:
    """Raises ValueError for what is no JSON object, or has an attack, a model or images that are none."""
    shapes = {"attack": dict, "model": dict, "images": list}
    if not isinstance(value, dict) or not all(isinstance(value.get(k, kind()), kind) for k, kind in shapes.items()):
        raise ValueError("this is not what a run consists of")


def remains(values: dict[str, Any]) -> dict[str, Any]:
    """What can be said of a damaged row."""
    known = {"id": str(values["id"]), "name": str(values["name"]), "status": "damaged", "message": DAMAGED}
    created = values["created"] if isinstance(values["created"], float) else 0.0
    return known | {"created": created, "experiment": {}, "started": None, "result": None, "iteration": 0}
