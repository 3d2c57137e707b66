"""The runs of a room as its pages show them: small on the wall, and large where phones follow. Imports no torch."""

from __future__ import annotations

import asyncio
import io
import json
from functools import lru_cache
from typing import Any

from PIL import Image

from gradleak_core.data.uploads import uploads_of
from gradleak_core.people import Asker, may_see
from gradleak_core.room.room import Room
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.hub import NO_PLACE, Trace
from gradleak_core.runs.recording import data_url
from gradleak_core.runs.room_store import RoomStore
from gradleak_core.runs.service import Service
from gradleak_core.verdicts import ALL_PAUSED, PLATEAU, UNFINISHED, seen

MOST_TILES = 60
"""The runs that the wall shows, newest first."""
MOST_LISTED = 40
"""The runs that a phone lists."""
MOST_NAMES = 3
"""The nicknames that are told of a run."""
SMALL_BYTES, SMALL_SIDE = 6000, 96
"""A picture with more bytes is made smaller for the wall, to at most so many pixels a side."""
ANYBODY = Asker("", member=True)
"""A member who has nothing."""


class RunTiles:
    """All runs of a room, looked up twice a second for everybody together. Used on the event loop only."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.rows: dict[str, Any] = {}
        self.public: frozenset[str] = frozenset()
        """The runs that everybody in the room may see now."""
        self.number = 0
        """How often something on the wall was another one than before."""
        self._tiles: dict[str, Any] = {}
        self._numbers: dict[str, tuple[int, int]] = {}
        """When each tile changed last, and when its picture did."""
        self._left: dict[str, int] = {}
        """When each tile that is gone went."""
        self._packed: dict[int, str] = {}
        self._owners: dict[str, set[str]] = {}
        self._listed: list[Any] = []

    async def look(self) -> bool:
        """Looks at all runs anew. Returns whether anything about them has changed."""
        store = self.service.store
        assert isinstance(store, RoomStore)
        rows, owners = await asyncio.to_thread(lambda: (store.room_rows(), store.owners_of_uploads()))
        self.rows, self._owners = {row["id"]: row for row in rows}, owners
        room = room_of(self.service)
        self.public = frozenset(row["id"] for row in rows if may_see(ANYBODY, row, shared=room.shared))
        covered = room.games.naming_goes_on
        shown = [row for row in rows if row["id"] in self.public][:MOST_TILES]
        tiles = [await self._make_tile(row, covered) for row in shown]
        before = self.number  # nothing waits from here on, or a wall could be told half of it
        self._packed.clear()
        for tile in tiles:
            self._put(tile)
        for run in [run for run in self._tiles if run not in {row["id"] for row in shown}]:
            del self._tiles[run], self._numbers[run]
            self.number += 1
            self._left[run] = self.number
        listed = [self._list(row) for row in rows]
        changed, self._listed = listed != self._listed or self.number != before, listed
        return changed

    def since(self, number: int) -> str:
        """Returns the message for a wall that has seen all up to `number`, made once for all such walls."""
        if number not in self._packed:
            tiles = []
            for run, (changed, pictured) in self._numbers.items():
                if changed > number:
                    tile = self._tiles[run]
                    tiles.append(tile if pictured > number else {**tile, "picture": None})
            gone = [run for run, left in self._left.items() if left > number and run not in self._tiles]
            message = {"tiles": [{k: v for k, v in tile.items() if v is not None} for tile in tiles], "gone": gone}
            self._packed[number] = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        return self._packed[number]

    def own(self, asker: Asker) -> list[Any]:
        """Returns the runs that are somebody's, newest first; to a host those of everybody."""
        mine = [row for row in self._listed if asker.host or asker.person in row["people"]]
        return [{name: value for name, value in row.items() if name != "people"} for row in mine[:MOST_LISTED]]

    def handed_in(self, person: str) -> set[str]:
        """Returns the uploads that a person has handed in."""
        return {image for image, owners in self._owners.items() if person in owners}

    def owners_of(self, image: str) -> set[str]:
        """Returns those who have handed in an upload."""
        return self._owners.get(image, set())

    def _put(self, tile: Any) -> None:
        run = tile["run"]
        before = self._tiles.get(run)
        if before != tile:
            self.number += 1
            pictured = before is None or before["picture"] != tile["picture"]
            self._tiles[run] = tile
            self._numbers[run] = (self.number, self.number if pictured else self._numbers[run][1])

    async def _make_tile(self, row: Any, covered: bool) -> Any:
        """Returns a tile; one that is covered has neither a picture nor the name of its set-up, which names that."""
        numbers = describe_guess(row, self.service.hub.live.get(row["id"]))
        picture, title = (None, "") if covered else (await self._find_picture(row), call_run(row))
        return numbers | {
            "run": row["id"], "by": self._names_of(row), "title": title, "created": row["created"],
            "covered": covered, "picture": picture,
        }  # fmt: skip

    async def _find_picture(self, row: Any) -> str | None:
        trace = self.service.hub.live.get(row["id"])
        data = trace.picture if trace else b""
        if not data and row["status"] in UNFINISHED:
            return None
        before = self._tiles.get(row["id"])
        if not data and before and before["picture"] and before["status"] == row["status"]:
            return str(before["picture"])
        if not data:
            stored = await asyncio.to_thread(self.service.store.picture, row["id"])
            return await asyncio.to_thread(make_small, stored) if stored else None
        return await asyncio.to_thread(make_small, data)

    def _names_of(self, row: Any) -> str:
        members = room_of(self.service).members
        names = [members[person] for person in row["people"] if person in members]
        more = len(names) - MOST_NAMES
        return ", ".join(names[:MOST_NAMES]) + (f" +{more}" if more > 0 else "")

    def _list(self, row: Any) -> Any:
        place = self.service.supervisor.places.get(row["id"], NO_PLACE)
        wait, images, room = place["queue_seconds"], uploads_of(row["experiment"]), room_of(self.service)
        return describe_guess(row, self.service.hub.live.get(row["id"])) | {
            "run": row["id"], "title": call_run(row), "by": self._names_of(row), "people": row["people"],
            "position": place["queue_position"], "wait": None if wait is None else round(wait),
            "race": row["race"] and row["race"]["id"], "message": row["message"],
            "private": row["id"] not in self.public, "images": sorted(images),
            "asked": not images.isdisjoint(room.wanted), "declined": not images.isdisjoint(room.declined),
        }  # fmt: skip


class Shown:
    """Looks up what the phones follow, once for all of them. Used on the event loop only."""

    def __init__(self, service: Service, tiles: RunTiles) -> None:
        self.service, self.tiles = service, tiles
        self._traces: dict[str, Trace] = {}
        self._pictures: dict[tuple[str, int], str] = {}

    async def look(self, following: Any) -> Any:
        """Returns what is followed as it is now; None for nothing, and for what the room may not see."""
        rows = [row for row in self.tiles.rows.values() if following and following["run"] in names_of(row)]
        rows = [row for row in reversed(rows) if row["id"] in self.tiles.public]
        if not rows or room_of(self.service).games.naming_goes_on:
            self._traces.clear()
            self._pictures.clear()
            return None
        lanes = [await self._look_at(row, following["at"]) for row in rows]
        return following | {"lanes": [lane for lane in lanes if lane]}

    async def _look_at(self, row: Any, at: int | None) -> Any:
        run = row["id"]
        trace = self._traces.get(run) or await self.service.hub.trace(run)
        if trace is None:
            return None
        self._traces[run] = trace
        frames = trace.frames if at is None else [frame for frame in trace.frames if frame["iteration"] <= at]
        frame = frames[-1] if frames else None
        picture = await self._picture(run, trace, frame["iteration"]) if frame else None
        numbers = describe_guess(row, trace, frame)
        return numbers | {"run": run, "title": call_run(row), "picture": picture, "message": trace.message}

    async def _picture(self, run: str, trace: Trace, iteration: int) -> str | None:
        if iteration == trace.frames[-1]["iteration"] and trace.picture:
            return data_url(trace.picture)
        if (run, iteration) not in self._pictures:
            try:
                found = await asyncio.to_thread(self.service.picture, run, iteration)
            except NoRun:
                return None
            if len(self._pictures) > 500:
                self._pictures.clear()
            self._pictures[run, iteration] = data_url(found)
        return self._pictures[run, iteration]


def describe_guess(row: Any, trace: Trace | None, frame: Any = None) -> Any:
    """Returns how a run stands in numbers and one word: at a frame, at its newest one, or at its end."""
    result = row["result"] or {}
    newest = trace.frames[-1] if trace and trace.frames else None
    frame = frame or newest
    metrics = (frame or {}).get("metrics") or result.get("metrics") or {}
    likeness = metrics.get("likeness")
    seconds = (frame or {}).get("seconds", result.get("seconds"))
    started = row["started"] or {}
    return {
        "status": status_of(row, trace),
        "iteration": frame["iteration"] if frame else row["iteration"],
        "steps": started.get("steps") or (row["experiment"].get("attack") or {}).get("steps"),
        "seconds": None if seconds is None else round(seconds, 1),
        "word": seen(metrics),
        "likeness": None if likeness is None else round(max(0.0, likeness), 2),
    }


def status_of(row: Any, trace: Trace | None) -> str:
    """Returns the status of a run as the room is told it: on a plateau it has levelled off, held up it is paused."""
    status, said = (trace.head["status"], trace.message) if trace else (row["status"], row["message"])
    if status == "paused" and (said or "").startswith(PLATEAU.partition("{")[0]):
        return "level"
    return "paused" if status == "queued" and said == ALL_PAUSED else str(status)


@lru_cache(256)
def make_small(picture: bytes) -> str:
    """Returns an encoded picture as a `data:` URL that is small enough for a wall of thirty."""
    if len(picture) > SMALL_BYTES:
        image = Image.open(io.BytesIO(picture))
        image.thumbnail((SMALL_SIDE * max(1, image.width // image.height), SMALL_SIDE))
        image.save(small := io.BytesIO(), "WEBP", quality=80)
        picture = small.getvalue()
    return data_url(picture)


def call_run(row: Any) -> str:
    """Returns what a run is called; a lane of a race by what sets it apart from the others."""
    return str(row["name"]).removeprefix(f"{row['race']['title']}: " if row["race"] else "")


def names_of(row: Any) -> tuple[str, ...]:
    """Returns the ids under which a run can be followed: its own, and its race's."""
    return (row["id"], row["race"]["id"]) if row["race"] else (row["id"],)


def room_of(service: Service) -> Room:
    """Returns the room of a service that has one."""
    assert isinstance(service.room, Room)
    return service.room
