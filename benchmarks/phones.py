"""The phones of a class, each with a cookie, a nickname and the sockets of a room's page, and what each was told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.serving import Server

JSON = Any
GOING_ON = ("queued", "running", "paused")
KNOCKING = 10
"""The phones that join at the same time."""
WAITED = 60.0
"""The seconds after which what has not come does not come."""


class Phone:
    """One member of the room: what their page has heard, and when."""

    def __init__(self, server: Server, client: httpx.AsyncClient) -> None:
        self.server, self.client = server, client
        self.common: JSON = {}
        self.own: JSON = {}
        self.tiles: dict[str, list[tuple[int, float]]] = {}
        """The iterations of each run's tile on the wall, with the moments at which they came."""
        self.followed: dict[int, float] = {}
        self._news = asyncio.Event()

    @property
    def headers(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())}

    async def listen(self, path: str) -> None:
        """Takes what comes from a socket of the room until it is cancelled."""
        address = f"{str(self.server.client.base_url).replace('http', 'ws', 1).rstrip('/')}/api/room/{path}"
        with contextlib.suppress(ConnectionClosed):
            options: JSON = {"compression": None, "ping_interval": None, "max_size": None, "open_timeout": WAITED}
            async with connect(address, additional_headers=self.headers, **options) as socket:
                async for message in socket:
                    self.hear(json.loads(message))

    def hear(self, said: JSON) -> None:
        now = time.perf_counter()
        self.common |= said.get("common", {})
        self.own = said.get("own", self.own)
        for tile in said.get("tiles", []):
            self.tiles.setdefault(tile["run"], []).append((tile["iteration"], now))
        for lane in (said.get("shown") or {}).get("lanes", []):
            self.followed.setdefault(lane["iteration"], now)
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, fulfilled: Callable[[Phone], Any]) -> float:
        """Waits until what was heard fulfils something; returns when, infinity if it never does."""
        ends = time.perf_counter() + WAITED
        while not fulfilled(self):
            if time.perf_counter() > ends:
                return float("inf")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), 0.05)
        return time.perf_counter()

    def ended(self, runs: set[str]) -> bool:
        """Whether this person's page says of all these runs that they are over."""
        mine = {row["run"]: row["status"] for row in self.own.get("runs", [])}
        return all(mine.get(run, "queued") not in GOING_ON for run in runs)

    async def vote(self, poll: str, option: int) -> None:
        (await self.client.post("/api/room/vote", json={"poll": poll, "option": option})).raise_for_status()

    def ages_of_tiles(self, reference: dict[tuple[str, int], float], begun: float, ended: float) -> list[float]:
        """How long after an iteration was there the wall had it, or a newer one, for all between two moments."""
        ages = []
        for (run, iteration), there in reference.items():
            if begun <= there <= ended:
                came = [when for at, when in self.tiles.get(run, []) if at >= iteration]
                ages.append(min(came, default=float("inf")) - there)
        return ages


@contextlib.asynccontextmanager
async def phones(server: Server, pin: str, count: int, name: str) -> AsyncIterator[list[Phone]]:
    """So many members of the room, all with the room's page and the wall open; at the end they leave."""
    knocking = asyncio.Semaphore(KNOCKING)
    async with contextlib.AsyncExitStack() as leaving:

        async def join(number: int) -> Phone:
            async with knocking:
                client = httpx.AsyncClient(base_url=server.client.base_url, timeout=WAITED)
                await leaving.enter_async_context(client)
                (await client.get("/room")).raise_for_status()
                sent = {"pin": pin, "nickname": f"{name} {number}"}
                (await client.post("/api/room/join", json=sent)).raise_for_status()
                return Phone(server, client)

        members = await asyncio.gather(*(join(number) for number in range(count)))
        paths = ("live", "wall") if name == "Student" else ("live",)
        tasks = [asyncio.create_task(phone.listen(path)) for phone in members for path in paths]
        try:
            yield members
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(phone.client.post("/api/room/leave", json={}) for phone in members))
