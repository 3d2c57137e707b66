"""Thirty people who press Run at the same moment, one of them for ten minutes, while somebody looks at the pages.

The server keeps people apart, as it does on any address but loopback: each has a cookie and has typed the PIN.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.hostile.pages import exceptions
from benchmarks.serving import ACTIVE, Server, short
from benchmarks.viewers import quantile
from gradleak_core.experiment import CODEC
from gradleak_core.presets import PRESETS

JSON = Any
PIN = "271828"
APART = {"GRADLEAK_OPEN": "no", "GRADLEAK_PIN": PIN}
"""The environment of a server that keeps people apart."""
TEN_MINUTES = 100_000
"""The iterations that the first preset does in ten minutes or more."""
BRIEF = 50
EACH = 2
"""The short runs of each person, but for the one who wants ten minutes."""
PAGES = ("", "runs", "trade-off", "claims")
PATIENCE = 60.0
"""The seconds after which whatever has not begun has not begun."""


async def crowd(server: Server, folder: Path, people: int) -> JSON:
    """What becomes of their runs; `bars` says which bars are met, `said` the same in words."""
    async with contextlib.AsyncExitStack() as leaving:
        clients = [await leaving.enter_async_context(visitor(server)) for _ in range(people)]
        return await press(server, folder, clients)


async def press(server: Server, folder: Path, clients: list[httpx.AsyncClient]) -> JSON:
    """All press Run at once."""
    looking = asyncio.create_task(asyncio.to_thread(leaf, server, stop := asyncio.Event()))
    await asyncio.sleep(1)
    begun = time.perf_counter()
    runs = await asyncio.gather(*(submit(client, person) for person, client in enumerate(clients)))
    queued = time.perf_counter() - begun
    started = await watch_starts(folder, [run for mine in runs for run in mine], begun)
    stop.set()
    pages = await looking
    lost = sum(run not in read_statuses(folder) for mine in runs for run in mine)
    brief = [started.get(run, PATIENCE) for mine in runs[1:] for run in mine]
    firsts, seconds = ([started.get(mine[at], PATIENCE) for mine in runs[1:]] for at in (0, 1))
    fair = max(firsts) <= min(seconds) + 1  # within what one look tells
    value = {
        "what": "crowd", "people": len(clients), "queued": queued, "lost": lost, "fair": fair,
        "first_start": min(brief), "last_start": max(brief), "never": sum(at >= PATIENCE for at in brief),
        "pages": len(pages), "page": quantile(pages, 0.95), "load": os.getloadavg()[0],
    }  # fmt: skip
    print(f"  {value}", flush=True)
    said = (
        f"{len(clients)} people: queued in {queued:.2f} s, {lost} lost, {'fair' if fair else 'not fair'}, "
        f"a short run after {min(brief):.1f} s, pages {1000 * value['page']:.0f} ms"
    )
    return value | {"bars": [queued <= 1, not lost, fair, min(brief) <= 10, value["page"] <= 0.5], "said": said}


@contextlib.asynccontextmanager
async def visitor(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has opened a page, which gives them a cookie, and typed the PIN."""
    async with httpx.AsyncClient(base_url=server.client.base_url, timeout=30) as client:
        (await client.get("/")).raise_for_status()
        (await client.post("/api/admission", json={"pin": PIN})).raise_for_status()
        yield client


async def submit(client: httpx.AsyncClient, person: int) -> list[str]:
    """The runs that one person asks for. The first wants ten minutes."""
    steps = [TEN_MINUTES] if person == 0 else [BRIEF] * EACH
    return [await ask(client, person * 10 + number, one) for number, one in enumerate(steps)]


async def ask(client: httpx.AsyncClient, seed: int, steps: int) -> str:
    experiment = CODEC.encode(short(PRESETS[0].experiment, steps)) | {"seed": seed}
    answer = await client.post("/api/runs", json={"experiment": experiment})
    return str(answer.raise_for_status().json()["id"])


def read_statuses(folder: Path) -> dict[str, str]:
    """The status of every run, from the file of runs, because no person sees those of all."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'runs.sqlite3'}?mode=ro", uri=True, timeout=30)) as db:
        return dict(db.execute("SELECT id, status FROM runs").fetchall())


async def watch_starts(folder: Path, runs: list[str], begun: float) -> dict[str, float]:
    """The second at which each run was first seen to have begun, until all but the longest are over."""
    started: dict[str, float] = {}
    while time.perf_counter() - begun < PATIENCE:
        rows = await asyncio.to_thread(read_statuses, folder)
        now = time.perf_counter() - begun
        started |= {run: now for run in runs if run not in started and rows.get(run) != "queued"}
        if sum(rows.get(run) in ACTIVE for run in runs) <= 1:
            break
        await asyncio.sleep(0.1)
    return started


def leaf(server: Server, stop: asyncio.Event) -> list[float]:
    """The seconds that each page took, from asking to its last element, one after the other, until told to stop."""
    taken = []
    while not stop.is_set():
        for page in PAGES:
            begun = time.perf_counter()
            for said in exceptions(server, page, {}):
                raise RuntimeError(said)
            taken.append(time.perf_counter() - begun)
            time.sleep(0.2)
    return taken
