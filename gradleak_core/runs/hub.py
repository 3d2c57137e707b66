"""One trace a run, from which every viewer gets what it has not seen yet. Imports no torch."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from operator import itemgetter
from typing import Any, get_args
from weakref import WeakValueDictionary

from gradleak_core.runs.curves import choose_telling
from gradleak_core.runs.protocol import Head, pack_live
from gradleak_core.runs.shapes import is_frame
from gradleak_core.runs.store import Store
from gradleak_core.types import Status

MOST_POINTS = 2000
"""The most points of a curve that a viewer gets on connecting."""
MOST_TRIES = 3
"""The workers that a run is given to before it gets any further."""
MOST_PACKED = 4
"""The most messages of a run that are kept for the next viewer who has seen the same."""
OVER = frozenset(get_args(Status)) | {"damaged", "deleted"}
NO_PLACE: Head = {"queue_position": None, "queue_seconds": None}
"""The place of a run that does not wait. That of others is 1 for the next, with the seconds until its turn."""


class Trace:
    """The whole curve of a run, the numbers of every frame and the newest picture. Used on the event loop only."""

    def __init__(self, row: Head) -> None:
        attack = row["experiment"].get("attack") or {}
        self.id: str = row["id"]
        self.head: Head = {
            "status": row["status"], "steps": attack.get("steps"), "restarts": attack.get("restarts"), "losses": [],
            "labels": [], "batch": len(row["experiment"].get("images") or []), "shape": None, "share": None,
        } | NO_PLACE | (row.get("started") or {})  # fmt: skip
        self.given: int = self.head.pop("given", 0)
        """The workers that were given the run since it got any further."""
        self.given_at: int = self.head.pop("given_at", 0)
        """The iteration at which the run was then."""
        self.columns: dict[str, list[float | None]] = {}
        self.piece: Head = {"first": 1, "columns": {}}
        """The part of the curve that came last. A frame of the same iteration that comes after it is stored with it."""
        self.frames: list[Head] = []
        self.picture = b""
        self.tiles: str | None = None
        """The tiles of the newest frame's update. Those of the others are in the store."""
        self.seconds = 0.0
        self.result: Any = row["result"]
        self.message: str | None = row["message"]
        self.trouble: str | None = None
        """The reason why frames cannot be kept at the moment, as a sentence."""
        self.doubts = 0
        """How often somebody may have lost the right to watch."""
        self.changed = asyncio.Event()
        self.packed: dict[tuple[int, bool], bytes] = {}
        """The messages that were made since the last change, by what their viewers had seen."""

    @property
    def over(self) -> bool:
        return self.head["status"] in OVER

    @property
    def last(self) -> int:
        """The last iteration of the curve; 0 before the first."""
        return max(map(len, self.columns.values()), default=0)

    def update(self, **head: Any) -> None:
        """Changes values of the head and wakes the viewers."""
        self.head |= head
        self.packed.clear()
        self.changed.set()
        self.changed = asyncio.Event()

    def add(self, frame: Head, picture: bytes) -> None:
        """Appends a frame message of the worker. Iterations that were lost before it stay empty."""
        self.packed.clear()
        for name, values in frame["curve"]["columns"].items():
            column = self.columns.setdefault(name, [])
            column.extend([None] * (frame["curve"]["first"] - 1 - len(column)))
            column.extend(values)
        if any(frame["curve"]["columns"].values()):
            self.piece = frame["curve"]
        if frame["picture"] is not None:
            numbers = frame["picture"] | {"seconds": frame["seconds"]}
            self.tiles = numbers.pop("tiles", None)
            self.frames.append(numbers)
        self.picture = picture or self.picture
        self.seconds = frame["seconds"]

    def since(self, seen: int, *, thin: bool = False) -> bytes:
        """Returns a browser message with all that came after iteration `seen`; `thin` shortens a long curve.

        A message is made once for all viewers who have seen the same.
        """
        seen = min(max(seen, 0), self.last)
        asked = seen, thin and self.last - seen > MOST_POINTS
        if asked not in self.packed:
            if len(self.packed) >= MOST_PACKED:  # an ended run never changes again, and anyone may ask
                self.packed.clear()
            self.packed[asked] = self._pack(*asked)
        return self.packed[asked]

    def _pack(self, seen: int, thin: bool) -> bytes:
        frames = self.frames[bisect_right(self.frames, seen, key=itemgetter("iteration")) :]
        curve: Head = {"first": seen + 1, "columns": {name: values[seen:] for name, values in self.columns.items()}}
        if thin:
            curve = self._thinned(seen)
        news = {"curve": curve, "frames": frames, "picture": frames[-1]["iteration"] if frames else None}
        end = {"seconds": self.seconds, "result": self.result, "message": self.message or self.trouble}
        head = self.head | news | end | {"tiles": self.tiles if frames else None}
        if seen:  # what the client sent does not change: who has seen an iteration knows it
            head.pop("update", None)
        return pack_live(head, self.picture if frames else b"")

    def _thinned(self, seen: int) -> Head:
        kept = choose_telling(self.columns, seen, MOST_POINTS)
        columns = {name: [values[at] for at in kept] for name, values in self.columns.items()}
        return {"first": seen + 1, "iterations": [at + 1 for at in kept], "columns": columns}


class Hub:
    """The traces of unfinished runs and of those being looked at. Used on the event loop only.

    Each change goes to the trace, so that viewers see it, and to the store, so that it lasts.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.live: dict[str, Trace] = {}
        self.known: WeakValueDictionary[str, Trace] = WeakValueDictionary()

    def open(self, row: Head) -> None:
        """Opens the trace of a queued run, so that viewers can wait for it; with all that is known, if it has begun."""
        begun = load_trace(self.store, row["id"]) if row["iteration"] else None
        self.live[row["id"]] = self.known[row["id"]] = begun or Trace(row)

    async def trace(self, run: str) -> Trace | None:
        """Returns the one trace of a run, from the store when it has ended; None for an unknown run."""
        if run not in self.known:
            loaded = await asyncio.to_thread(load_trace, self.store, run)
            if loaded is None or run in self.known:
                return self.known.get(run)
            self.known[run] = loaded
            return loaded
        return self.known[run]

    def hand_over(self, run: str) -> None:
        """Notes that a waiting run is given to a worker, before the worker can take the machine down with it."""
        if trace := self.live.get(run):
            trace.given = trace.given + 1 if trace.last == trace.given_at else 1
            trace.given_at = trace.last
            trace.update(**NO_PLACE)
            self.store.hand_over(run, trace.given, trace.given_at)

    def gives_up(self, run: str) -> bool:
        """Returns whether a run was given to so many workers without getting any further that it is not tried again."""
        trace = self.live.get(run)
        return trace is None or (trace.given >= MOST_TRIES and trace.last == trace.given_at)

    def start(self, run: str, head: Head, truth: bytes) -> None:
        """Marks a run as running, with its head and its private pictures."""
        if trace := self.live.get(run):
            trace.message = head.pop("message", None)
            self.store.start(run, head | {"given": trace.given, "given_at": trace.given_at}, truth)
            trace.update(status="running", **NO_PLACE, **head)

    def note(self, run: str, message: str, share: float | None) -> None:
        """Tells viewers what a run waits for before its first iteration, and how much of it is done, 0 to 1."""
        if trace := self.live.get(run):
            trace.message = message
            trace.update(**NO_PLACE, share=share)

    def add_frame(self, run: str, head: Head, picture: bytes) -> None:
        """Adds a frame to a run, without what is known already of a run that was taken up at a checkpoint."""
        trace = self.live.get(run)
        if trace and (news := without_known(head, trace.last)):
            trace.add(news, picture)
            self.store.frame(run, trace.last, news | {"curve": trace.piece}, picture)
            trace.trouble = self.store.trouble
            trace.update()

    def set_status(self, run: str, status: str, message: str | None = None) -> None:
        """Sets the status of a run that has not ended, and what is said of it unless None."""
        if trace := self.live.get(run):
            trace.message = trace.message if message is None else message or None
            self.store.status(run, status, trace.message)
            trace.update(status=status)

    def places(self, runs: Iterable[str]) -> dict[str, int]:
        """Returns the last known iteration of each run."""
        return {run: trace.last if (trace := self.live.get(run)) else 0 for run in runs}

    def set_places(self, places: Mapping[str, Head]) -> None:
        """Tells the viewers of each waiting run its place in the queue, with the keys of `NO_PLACE`."""
        for run, place in places.items():
            if (trace := self.live.get(run)) and not place.items() <= trace.head.items():
                trace.update(**place)

    def end(self, run: str, status: str, message: str | None = None, result: Any = None) -> None:
        """Ends a run with a status, a sentence on why, and its result."""
        if trace := self.live.get(run):
            trace.result, trace.message, trace.trouble = result, message, self.store.trouble
            trace.update(status=status, **NO_PLACE)
            self._when_stored(self.store.status(run, status, message, result), run)

    def forget(self, run: str) -> None:
        """Deletes a run, whatever it is doing, and tells its viewers."""
        self.live.pop(run, None)
        if trace := self.known.pop(run, None):
            trace.message = "This run was deleted."
            trace.update(status="deleted", **NO_PLACE)
        self.store.delete(run)

    def ask_again(self, run: str) -> None:
        """Has everybody who watches a run show anew that they may."""
        if trace := self.known.get(run):
            trace.doubts += 1
            trace.update()

    def _when_stored(self, stored: Future[None], run: str) -> None:
        """Drops the trace of an ended run once the store can give it back."""
        loop = asyncio.get_running_loop()

        def let_go(_: Future[None]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.live.pop, run, None)

        stored.add_done_callback(let_go)


def without_known(frame: Head, last: int) -> Head | None:
    """Returns a frame message of the worker without the iterations up to `last`; None if it has no others."""
    columns, first = frame["curve"]["columns"], frame["curve"]["first"]
    known = last + 1 - first
    if known <= 0:
        return frame
    if all(len(values) <= known for values in columns.values()):
        return None
    rest = {name: values[known:] for name, values in columns.items()}
    return frame | {"curve": {"first": last + 1, "columns": rest}}


def load_trace(store: Store, run: str) -> Trace | None:
    """Returns the trace of a stored run, without its damaged frames; None for an unknown run."""
    row = store.row(run)
    if row is None:
        return None
    trace = Trace(row)
    for head in filter(is_frame, store.heads(run)):  # one that is damaged leaves a gap
        trace.add(head, b"")
    trace.picture = store.picture(run) or b""
    return trace
