"""The WebSocket of a run, through which every viewer gets what it has not seen yet. Imports no torch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from gradleak_core.api.incoming import service_of, whole_number
from gradleak_core.people import read_reference
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
    service = service_of(socket)
    trace = await service.trace(run)
    if trace is None:
        await say_goodbye(socket, UNKNOWN_RUN, NO_SUCH_RUN)
        return
    name, link = read_reference(run)
    row = await asyncio.to_thread(service.store.row, name)

    def covered() -> bool:
        return row is not None and service.covers(service.asker, row)

    showing = asyncio.create_task(follow_trace(socket, trace, seen, link, covered))
    leaving = asyncio.create_task(wait_for_departure(socket))
    done, pending = await asyncio.wait({showing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if showing in done and showing.result():
        await say_goodbye(socket, *((UNKNOWN_RUN, NO_SUCH_RUN) if covered() else farewell(trace, link)))


async def say_goodbye(socket: WebSocket, code: int, reason: str) -> None:
    """Closes the socket of a viewer, who may have left already."""
    with suppress(*LEFT):
        await socket.close(code, reason)


def farewell(trace: Trace, link: str) -> tuple[int, str]:
    """Returns the close code and the reason for a viewer who has seen all that they may."""
    if link in trace.revoked:
        return UNKNOWN_RUN, NO_SUCH_RUN
    return (UNKNOWN_RUN, trace.message or "") if trace.head["status"] == "deleted" else (1000, "")


async def follow_trace(
    socket: WebSocket, trace: Trace, seen: int, link: str = "", covered: Callable[[], bool] = lambda: False
) -> bool:
    """Sends the news of a run after iteration `seen`, until it is over, covered, or the viewer's link is revoked.

    Returns False if the viewer left before that.
    """
    thin = True
    while True:
        if link in trace.revoked or covered():
            return True
        changed, over, last = trace.changed, trace.over, trace.last
        message = trace.since(seen, thin=thin)
        try:
            await socket.send_bytes(message)
        except LEFT:
            return False
        if over:
            return True
        seen, thin = last, False
        await changed.wait()


async def wait_for_departure(socket: WebSocket) -> None:
    """Waits until the viewer goes away."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
