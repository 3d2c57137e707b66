"""Where the room of a server meets its sockets, its runs and its file. Imports no torch."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from gradleak_core.api.room_desk import GameDesk
from gradleak_core.api.room_tiles import RunTiles, Shown
from gradleak_core.people import Asker
from gradleak_core.room.room import Room
from gradleak_core.room.shelf import write_room
from gradleak_core.runs.service import Service

BETWEEN_NEWS = 0.2
"""The least seconds between two messages to everybody."""
WRITTEN_AFTER = 1.0
"""The seconds for which changes of the room are gathered before they are written."""
LOOKS_BETWEEN = 3
"""The looks at what the phones follow between two looks at all runs of the room, so many times `BETWEEN_NEWS`."""
IDLE = 0.5
"""The seconds after which a room that nobody watches looks whether somebody does."""


class News:
    """A message for everybody, which is packed once, and its number."""

    def __init__(self) -> None:
        self.text = ""
        self.number = 0

    def tell(self, message: Any) -> bool:
        """Makes this the message. Returns whether it is another one than before."""
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        changed = text != self.text
        self.text, self.number = text, self.number + changed
        return changed


class Hall:
    """The room of a running server. Used on the event loop only."""

    def __init__(self, room: Room, service: Service) -> None:
        self.room, self.service = room, service
        self.common, self.members, self.shown = News(), News(), News()
        self.news = (self.common, self.members, self.shown)
        self.own_number = 0
        """How often something that is somebody's own may have changed."""
        self.woken = asyncio.Event()
        """Is set, and another one takes its place, when there may be something new for anybody."""
        self.tiles = RunTiles(service)
        self.desk = GameDesk(room.games, service, self.change, room.hosts)
        self.desk.follow = room.follow
        self._changed = asyncio.Event()
        self._unwritten = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        room.changed = self.change

    def start(self) -> None:
        """Begins to tell, to look and to write."""
        self.tell()
        self.desk.take_up()
        self._tasks = [asyncio.create_task(work()) for work in (self._keep_telling, self._keep_looking, self._write)]

    async def close(self) -> None:
        """Ends all that, and writes the room a last time."""
        self.desk.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(OSError):
            await asyncio.to_thread(write_room, self.service.folder, self.room.save())

    def change(self) -> None:
        """Notes from any thread that somebody may see something else."""
        self.service.call(self._note)

    def _note(self) -> None:
        self._changed.set()
        self._unwritten.set()

    def tell(self) -> None:
        """Packs what everybody may see, and wakes all sockets."""
        supervisor = self.service.supervisor
        common = self.room.common() | {"queue": {"waiting": len(supervisor.queue)}}
        self.members.tell({"common": {"members": common.pop("members")}})
        self.common.tell({"common": common})
        self._wake(own=True)

    def _wake(self, *, own: bool) -> None:
        self.own_number += own
        self.woken.set()
        self.woken = asyncio.Event()

    def own(self, asker: Asker) -> Any:
        """Returns what one person alone may see now."""
        mine = self.room.own(asker) | {"runs": self.tiles.own(asker)}
        person = asker.person or ""
        mine["shared"] = sorted(self.tiles.handed_in(person) & self.room.shared)
        mine["wanted"] = sorted(self.tiles.handed_in(person) & self.room.wanted.keys())
        return mine

    def come(self, person: str, by: int) -> None:
        """Counts the pages of the room that a person has open."""
        before = self.room.here[person] > 0
        self.room.here[person] += by
        if (self.room.here[person] > 0) != before:
            self._changed.set()

    async def _keep_telling(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self.tell()
            await asyncio.sleep(BETWEEN_NEWS)

    async def _keep_looking(self) -> None:
        """Looks at the runs as long as somebody has a page of the room open."""
        shown = Shown(self.service, self.tiles)
        while True:
            if self.room.here.total() > 0:
                if await self.tiles.look():
                    self._wake(own=True)
                for _ in range(LOOKS_BETWEEN):
                    if self.shown.tell({"shown": await shown.look(self.room.following)}):
                        self._wake(own=False)
                    await asyncio.sleep(BETWEEN_NEWS)
            else:
                await asyncio.sleep(IDLE)

    async def _write(self) -> None:
        while True:
            await self._unwritten.wait()
            await asyncio.sleep(WRITTEN_AFTER)
            self._unwritten.clear()
            with suppress(OSError):  # a full disk shows on the page of runs
                await asyncio.to_thread(write_room, self.service.folder, self.room.save())


async def open_hall(service: Service) -> None:
    """Opens the room of a service that has begun, if it has one."""
    if isinstance(service.room, Room):
        hall = Hall(service.room, service)
        service.hall, service.desk, service.covers = hall, hall.desk, hall.desk.covers
        hall.start()
