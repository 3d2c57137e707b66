"""Many viewers of one run at once, each on a WebSocket of its own, as browsers are, and what each of them saw."""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.serving import Server

JSON = Any
PICTURE = re.compile(rb'"picture":(\d+)')
"""Finds the iteration of a message's picture; the rest of the message is a browser's business."""
AT_ONCE = 20
"""The viewers that knock at the same time."""


@dataclass
class Viewer:
    """One viewer: when the picture of which iteration came, and what went wrong."""

    arrivals: dict[int, float] = field(default_factory=dict)
    error: str | None = None

    async def follow(self, socket: ClientConnection) -> None:
        """Looks on until the socket is closed."""
        try:
            async for message in socket:
                if isinstance(message, bytes) and (found := PICTURE.search(message)):
                    self.arrivals[int(found[1])] = time.perf_counter()
        except ConnectionClosed as error:
            self.error = str(error)


def live(server: Server, run: str, headers: Mapping[str, str] | None = None) -> connect:
    """The socket of one viewer, which takes what comes and asks for nothing."""
    address = f"{str(server.client.base_url).replace('http', 'ws', 1).rstrip('/')}/api/live/{run}"
    return connect(
        address,
        additional_headers=headers,
        compression=None,
        ping_interval=None,
        max_size=None,
        open_timeout=60,
        close_timeout=5,
    )


@contextlib.asynccontextmanager
async def watching(server: Server, run: str, count: int) -> AsyncIterator[list[Viewer]]:
    """So many viewers of a run, all of them there when the block begins; at its end they leave."""
    viewers, knocking = [Viewer() for _ in range(count)], asyncio.Semaphore(AT_ONCE)

    async def enter(viewer: Viewer) -> ClientConnection | None:
        async with knocking:
            try:
                return await live(server, run)
            except (OSError, TimeoutError, ConnectionClosed) as error:
                viewer.error = repr(error)
                return None

    sockets = await asyncio.gather(*map(enter, viewers))
    there = [(viewer, socket) for viewer, socket in zip(viewers, sockets, strict=True) if socket]
    following = [asyncio.create_task(viewer.follow(socket)) for viewer, socket in there]
    try:
        yield viewers
    finally:
        await asyncio.gather(*(socket.close() for _, socket in there))
        await asyncio.gather(*following)


def seen(viewers: Iterable[Viewer], begun: float, ended: float) -> JSON:
    """What the viewers saw between two moments: pictures a second each, and how old a picture is when it comes.

    The server sends no clock. So a picture's age is counted from when the first of all the viewers had it.
    """
    viewers = list(viewers)
    first: dict[int, float] = {}
    for viewer in viewers:
        for iteration, when in viewer.arrivals.items():
            first[iteration] = min(when, first.get(iteration, when))
    counts, ages = [], []
    for viewer in viewers:
        mine = {iteration: when for iteration, when in viewer.arrivals.items() if begun <= when <= ended}
        counts.append(len(mine) / (ended - begun))
        ages += [when - first[iteration] for iteration, when in mine.items()]
    return {
        "viewers": len(viewers), "rate": statistics.median(counts), "worst_rate": min(counts),
        "age": quantile(ages, 0.95), "errors": sum(viewer.error is not None for viewer in viewers),
        "error": next((viewer.error for viewer in viewers if viewer.error), None),
    }  # fmt: skip


def quantile(values: list[float], share: float) -> float:
    """The value that so large a share of them does not exceed; infinity when there are none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("inf")
