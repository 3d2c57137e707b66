"""What is done to runs that are there: they are paused, stopped, left to others, renamed, deleted. Imports no torch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gradleak_core.config.schemas import integer, number
from gradleak_core.data.uploads import uploads_of
from gradleak_core.languages import say
from gradleak_core.runs.hub import OVER, Hub
from gradleak_core.runs.price_desk import PriceDesk
from gradleak_core.runs.room_store import RoomStore
from gradleak_core.runs.rows import Row, clean_name, describe_end
from gradleak_core.runs.supervisor import Supervisor
from gradleak_core.runs.uploaders import release_uploads
from gradleak_core.types import Refused

Result = TypeVar("Result")
NOT_ITS_TURN = "This run is not being computed; wait for its turn."
TOGETHER = "Others have this run too, so it is not held up for one; run it with a fresh seed to have one of your own."
IN_VAIN = frozenset({"stopped", "failed", "refused", "interrupted", "damaged"})
"""The ends after which the same set-up is computed anew."""


class Steering(PriceDesk):
    """The runs of a service, as one person may change them."""

    hub: Hub
    supervisor: Supervisor
    _loop: asyncio.AbstractEventLoop
    _thread: int

    def pause(self, run: str) -> None:
        """Pauses a run after its current iteration. Raises `Refused` when it is not being computed."""
        self._command(run, {"type": "pause"})

    def resume(self, run: str) -> None:
        """Lets a paused run go on. Raises `Refused` when it is not being computed."""
        self._command(run, {"type": "resume"}, holds_up=False)

    def step(self, run: str, iterations: int = 1) -> None:
        """Lets a run compute 1 to 100,000 iterations more and then pause. Raises `Refused`."""
        self._command(run, {"type": "step", "iterations": integer(iterations, 1, 100_000, "iterations")})

    def pace(self, run: str, per_second: float | None) -> None:
        """Limits a run to 0.1 to 1000 iterations a second; None lifts the limit. Raises `Refused`."""
        if per_second is not None:
            per_second = number(per_second, 0.1, 1000, "per_second")
        self._command(run, {"type": "pace", "per_second": per_second}, holds_up=per_second is not None)

    def stop(self, run: str, *, leave: bool = False) -> bool:
        """Ends a queued or running run and keeps what was seen. Raises `Refused` when it has ended already.

        Returns whether it goes on for others in the room, who have it too. A host ends it for all unless they `leave`.
        """
        row = self.find(run, to_leave=True)
        with self.pictures.lock:  # or somebody could join a run that is about to end
            if row["status"] not in OVER and (leave or not self.asker.host) and self.take_from(row, self.person):
                return True
            if not self.call(self.supervisor.stop, run):
                raise Refused(describe_end(row))
        self.store.flush()  # a run that was waiting has ended now, and its row says so
        return False

    def rename(self, run: str, name: str) -> None:
        """Gives a run another name. Raises `Refused`."""
        self.find(run, to_change=True)
        self.store.rename(run, clean_name(name)).result()

    def delete(self, run: str) -> None:
        """Stops a run if need be. Removes all of it, and those of its uploads that no other run needs.

        A run that others in the room have too stays theirs, unless it is a host who deletes it.
        """
        row = self.find(run, to_leave=True)
        with self.pictures.lock:
            if self.asker.host or not self.take_from(row, self.person):
                self.erase(row)
            else:
                release_uploads(self.store, self.pictures, row | {"owner": self.person, "people": ()})

    def erase(self, row: Row) -> None:
        """Removes a run as `delete` does, whosever it is, while the caller holds the lock of the pictures."""
        self.call(self._delete, row["id"])
        self.store.flush()
        release_uploads(self.store, self.pictures, row)

    def take_from(self, row: Row, person: str | None) -> bool:
        """Takes a run, or the race that it is a lane of, from a person if it is others' too, and returns whether it is.

        The caller holds the lock of the pictures. Raises `Unwritable`.
        """
        store = self.store
        if not isinstance(store, RoomStore) or person is None:
            return False
        now = store.row(row["id"])
        people = now["people"] if now else []
        if person not in people or len(people) < 2:
            return False
        runs = [lane["id"] for lane in store.lanes(row["race"]["id"])] if row["race"] else [row["id"]]
        store.leave(runs, person).result()
        for run in runs:
            self.call(self.supervisor.give_to, run, (store.row(run) or {}).get("owner"))
            self.call(self.hub.ask_again, run)
        return True

    def join(self, named: Mapping[str, tuple[str, Any]], race: Any) -> list[str]:
        """Returns the ids of the room's runs that have these experiments already, none where they must be computed.

        They are the asker's too then. Another's run of an upload that is not shared is never among them, or it would
        tell who else has handed in that picture; nor is one that is covered now, or it would tell what the room has to
        find out. The caller holds the lock of the pictures. Raises `Unwritable`.
        """
        store, person = self.store, self.person
        if not isinstance(store, RoomStore) or person is None or not self.takes_part:
            return []
        experiments = [experiment for _, experiment in named.values()]
        private = any(image not in self.shared for experiment in experiments for image in uploads_of(experiment))
        for rows in store.same(experiments, race["by"] if race else None):
            runs = [row["id"] for row in rows]
            ends = any(self.call(self.supervisor.is_stopping, run) for run in runs)
            strange = private and person not in rows[0]["people"]
            strange |= any(self.covers(self.asker, row) for row in rows)
            if not (ends or strange) and all(row["status"] not in IN_VAIN for row in rows):
                store.join(runs, person).result()
                self.call(self.supervisor.let_go, runs[0])
                return runs
        return []

    def _command(self, run: str, head: dict[str, Any], *, holds_up: bool = True) -> None:
        row = self.find(run, to_leave=True)
        if holds_up and len(row.get("people", ())) > 1 and not self.asker.host:
            raise Refused(say(TOGETHER))
        if not self.call(self.supervisor.pass_on, run, head):
            raise Refused(NOT_ITS_TURN if row["status"] == "queued" else describe_end(row))

    def _delete(self, run: str) -> None:
        self.hub.forget(run)
        self.supervisor.stop(run)

    def call(self, function: Callable[..., Result], *values: Any) -> Result:
        """Calls a function on the event loop, from whichever thread, and returns its value."""
        if threading.get_ident() == self._thread:
            return function(*values)

        async def call() -> Result:
            return function(*values)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)
