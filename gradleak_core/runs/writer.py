"""The one thread that changes the file of runs, many changes a transaction. Imports no torch.

What cannot be written because the disk is full, or for another reason that may pass, waits in order until it can be.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from gradleak_core.runs.disk import Unwritable, describe_unwritten, may_pass

WRITE_AGAIN_SECONDS = 1.0
"""The seconds between two attempts to write what waits."""
Write = Callable[[sqlite3.Connection], object]
store_log = logging.getLogger("gradleak.store")


@dataclass(eq=False)
class Change:
    """A change of the file of runs that has not been made yet."""

    apply: Write
    waits: bool
    """True if the change is kept until it can be written, and not refused."""
    urgent: bool
    """True if the change is tried before everything that waits, because it makes room."""
    size: int
    """The bytes that the change keeps in memory."""
    done: Future[None] = field(default_factory=Future)


class Writer:
    """A thread that makes all changes of the file of runs, through one connection, until it is closed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.trouble: str | None = None
        """The reason why the last change could not be written, as a sentence."""
        self.erased = False
        """True while the write-ahead log still holds something that was deleted."""
        self.held = 0
        """The bytes in memory of all that waits to be written."""
        self._db = db
        self._handed_over: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._waiting: list[Change] = []
        self._thread = threading.Thread(target=self._write_until_closed, name="store", daemon=True)
        self._thread.start()

    def write(self, apply: Write, *, waits: bool = True, urgent: bool = False, size: int = 0) -> Future[None]:
        """Queues a change and returns a future that is done once it is on disk. Changes keep their order."""
        change = Change(apply, waits, urgent, size)
        self._handed_over.put(change)
        return change.done

    def close(self) -> None:
        """Writes what can be written, and ends the thread and the connection."""
        self._handed_over.put(None)
        self._thread.join()
        self._db.close()

    def _write_until_closed(self) -> None:
        ended = False
        while not ended:
            arrived = self._collect_changes()
            ended = None in arrived
            self._write([*self._waiting, *(change for change in arrived if change is not None)])
        if self._waiting:
            store_log.error("%d changes could not be written and are lost. %s", len(self._waiting), self.trouble)
        for change in self._waiting:
            change.done.set_exception(Unwritable(str(self.trouble)))

    def _collect_changes(self) -> list[Change | None]:
        """Waits for changes and returns all that were handed over; none when it is time to try again what waits."""
        try:
            arrived = [self._handed_over.get(timeout=WRITE_AGAIN_SECONDS if self._waiting else None)]
        except queue.Empty:
            return []
        while not self._handed_over.empty():
            arrived.append(self._handed_over.get())
        return arrived

    def _write(self, changes: list[Change]) -> None:
        self._waiting = []
        if self._write_together(changes) or not self._one_by_one(changes):
            self.trouble = None
        self.held = sum(change.size for change in self._waiting)

    def _write_together(self, changes: list[Change]) -> bool:
        try:
            with self._db:
                for change in changes:
                    change.apply(self._db)
        except Exception:  # each is tried by itself then, which tells whose fault it is
            return False
        self._wipe()
        for change in changes:
            change.done.set_result(None)
        return True

    def _one_by_one(self, changes: list[Change]) -> int:
        """Writes each change in a transaction of its own. Returns how many could not be written."""
        return sum(not self._write_alone(change) for change in sorted(changes, key=lambda change: not change.urgent))

    def _write_alone(self, change: Change) -> bool:
        if self._waiting and not change.urgent:
            self._put_off(change)
            return False
        try:
            with self._db:
                change.apply(self._db)
        except Exception as error:  # must not end the thread; the future and health tell
            self.trouble = describe_unwritten(error)
            if may_pass(error):
                self._put_off(change)
            else:
                change.done.set_exception(error)
            return False
        self._wipe()
        change.done.set_result(None)
        return True

    def _wipe(self) -> None:
        """Empties the write-ahead log after a deletion. While somebody reads, the next change tries again."""
        if self.erased:
            with suppress(sqlite3.Error):
                self.erased = bool(self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

    def _put_off(self, change: Change) -> None:
        if change.waits:
            self._waiting.append(change)
            return
        change.done.set_exception(Unwritable(str(self.trouble)))
        if not self._waiting:
            self._waiting.append(Change(claim_a_page, waits=True, urgent=False, size=0))


def claim_a_page(db: sqlite3.Connection) -> None:
    """Writes something that leaves no trace. Raises OperationalError for as long as there is no room."""
    db.execute("BEGIN")
    db.execute("CREATE TABLE room (page)")
    db.execute("DROP TABLE room")
