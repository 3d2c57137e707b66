"""The WebSocket of a run, through which every viewer gets what it has not seen yet. Imports no torch."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from gradleak_core.api.incoming import service_of, whole_number
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.disk import Unreadable
from gradleak_core.runs.hub import Trace

NO_SUCH_RUN = "There is no such run; it may have been deleted."
UNKNOWN_RUN = 4404
"""The close code of a WebSocket when there is no such run, or no longer."""
LEFT = (WebSocketDisconnect, RuntimeError)
"""The errors of sending to a viewer who has left, or broken off, at that moment."""


async def stream_live(socket: WebSocket) -> None:
    """Sends a viewer what it has not seen, now and whenever there is more. Closes the socket when the run is over."""
    try:
        await socket.accept()
    except LEFT:
        return
    run, seen = socket.path_params["run"], whole_number(socket.query_params.get("seen", "0"))
    trace = await service_of(socket).trace(run)
    if trace is None:
        await say_goodbye(socket, UNKNOWN_RUN, NO_SUCH_RUN)
        return
    showing = asyncio.create_task(follow_trace(socket, trace, seen))
    leaving = asyncio.create_task(wait_for_departure(socket))
    done, pending = await asyncio.wait({showing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if showing in done and (farewell := showing.result()):
        await say_goodbye(socket, *farewell)


async def say_goodbye(socket: WebSocket, code: int, reason: str) -> None:
    """Closes the socket of a viewer, who may have left already."""
    with suppress(*LEFT):
        await socket.close(code, reason)


async def follow_trace(socket: WebSocket, trace: Trace, seen: int) -> tuple[int, str] | None:
    """Sends the news of a run after iteration `seen`, until it is over or the viewer may watch it no more.

    Returns the close code and the reason then, and None if the viewer left before that.
    """
    thin, doubts = True, 0
    while True:
        if trace.doubts != doubts:
            doubts = trace.doubts
            if not await may_watch(socket):
                return UNKNOWN_RUN, NO_SUCH_RUN
        changed, over, last = trace.changed, trace.over, trace.last
        message = trace.since(seen, thin=thin)
        try:
            await socket.send_bytes(message)
        except LEFT:
            return None
        if over:
            return (UNKNOWN_RUN, trace.message or "") if trace.head["status"] == "deleted" else (1000, "")
        seen, thin = last, False
        await changed.wait()


async def may_watch(socket: WebSocket) -> bool:
    """Returns whether the viewer of a run, as whom their cookies name today, may still look at it."""
    try:
        await asyncio.to_thread(service_of(socket).find, socket.path_params["run"])
    except (NoRun, Unreadable):
        return False
    return True


async def wait_for_departure(socket: WebSocket) -> None:
    """Waits until the viewer goes away."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
