"""The WebSockets of a room: what changes for everybody, for one person, and on the wall. Imports no torch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.websockets import WebSocket

from gradleak_core.api.incoming import service_of
from gradleak_core.api.live_socket import LEFT, UNKNOWN_RUN, say_goodbye, wait_for_departure
from gradleak_core.api.room_hall import Hall
from gradleak_core.languages import say
from gradleak_core.people import Asker

NOT_IN_ROOM = "Join the room first, with its PIN and a nickname."
WALL_EVERY = 0.5
"""The least seconds between two messages to a wall."""


async def stream_room(socket: WebSocket) -> None:
    """Sends a page of the room what everybody may see and what its person alone may, now and at every change."""
    await stream(socket, tell_news)


async def stream_wall(socket: WebSocket) -> None:
    """Sends the small pictures of all runs that everybody in the room may see, now and when they change."""
    await stream(socket, tell_tiles)


async def stream(socket: WebSocket, tell: Callable[[WebSocket, Hall, Asker], Awaitable[None]]) -> None:
    """Tells a page its news until it goes away, or its person is in the room no more."""
    try:
        await socket.accept()
    except LEFT:
        return
    hall: Hall | None = getattr(socket.app.state.service, "hall", None)
    asker = service_of(socket).asker
    if hall is None or asker.person is None or not asker.in_room:
        await say_goodbye(socket, UNKNOWN_RUN, say(NOT_IN_ROOM))
        return
    hall.come(asker.person, 1)
    telling = asyncio.ensure_future(tell(socket, hall, asker))
    leaving = asyncio.create_task(wait_for_departure(socket))
    try:
        done, pending = await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if telling in done:
            with suppress(*LEFT):
                telling.result()
                await say_goodbye(socket, UNKNOWN_RUN, say(NOT_IN_ROOM))
    finally:
        hall.come(asker.person, -1)


async def tell_news(socket: WebSocket, hall: Hall, asker: Asker) -> None:
    """Sends news until the person is in the room no more."""
    told, own_told, mine = [-1] * len(hall.news), -1, ""
    while (asker := hall.room.recognise(asker)).in_room:
        changed, own_number = hall.woken, hall.own_number
        for place, source in enumerate(hall.news):
            if source.number != told[place] and source.text:
                told[place] = source.number
                await socket.send_text(source.text)
        if own_number != own_told:
            own_told = own_number
            own = json.dumps({"own": hall.own(asker)}, ensure_ascii=False, separators=(",", ":"))
            if own != mine:
                mine = own
                await socket.send_text(own)
        await changed.wait()


async def tell_tiles(socket: WebSocket, hall: Hall, asker: Asker) -> None:
    """Sends what is new on the wall until the person is in the room no more."""
    number = -1
    while (asker := hall.room.recognise(asker)).in_room:
        if hall.tiles.number != number:
            seen, number = number, hall.tiles.number
            await socket.send_text(hall.tiles.since(seen))
        await asyncio.sleep(WALL_EVERY)
