"""A class before one server: thirty people on the wall, two hundred phones that follow one run and vote.

The server and its worker run as they are started by hand, in processes of their own; this process is the whole class,
over the real sockets and loopback. A thumbnail's age is counted from when the run's own socket had its iteration, a
followed picture's from when the first of all phones had it. Linux only.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.phones import Phone, phones
from benchmarks.serving import Server, linux, processor_seconds, running, short
from benchmarks.setting import SEED, Setting
from benchmarks.viewers import live, quantile
from gradleak_core.experiment import CODEC
from gradleak_core.presets import PRESETS
from gradleak_core.runs.protocol import unpack_live

JSON = Any
DOOR_PIN = "314159"
IN_A_ROOM = ("--room", "--host", "127.0.0.1", "--pin", DOOR_PIN)
LASTING, BRIEF = 100_000, 50
"""The iterations of a run that is stopped when enough is known, and of one that soon ends."""
RUNNING = 10
"""The different runs of the class."""
LATEST = 4.0
"""The seconds after which a thumbnail that has not come counts as lost."""


def measure(setting: Setting) -> JSON:
    linux()
    seconds = float(setting.count(30, 5))
    class_size, audience = setting.count(30, 6), setting.count(200, 20)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), setting.device, options=IN_A_ROOM) as server:
        values = asyncio.run(teach(server, class_size, audience, seconds))
    wall, audience_value, same = values
    bars = [
        wall["age"] <= 2, wall["pause"] <= 1, wall["share"] <= 0.4, not wall["lost"], not wall["leaked"],
        audience_value["age"] <= 1, audience_value["counted"] == audience_value["phones"],
        same["runs"] == 1, same["apart"] <= 1,
    ]  # fmt: skip
    said = (
        f"{class_size} on the wall: thumbnails {wall['age']:.1f} s old at worst, pause after {wall['pause']:.2f} s, "
        f"{wall['share']:.0%} of a core; {audience} phones: pictures {audience_value['age']:.2f} s old (p95), "
        f"{audience_value['counted']} votes; {class_size} presses: {same['runs']} computed, "
        f"seen {same['apart']:.2f} s apart"
    )
    return {"measured": said, "met": all(bars), "seeds": [SEED], "values": values}


async def teach(server: Server, class_size: int, audience: int, seconds: float) -> list[JSON]:
    """A whole lesson. The host is there all the time."""
    async with client_of(server) as host:
        found = re.search(r"#host=(\S+)", server.log.read_text("utf-8"))
        assert found is not None
        (await host.post("/api/room/host", json={"key": found[1]})).raise_for_status()
        values = []
        async with phones(server, DOOR_PIN, class_size, "Student") as members:
            values.append(await watch_the_wall(server, host, members, seconds))
            values.append(await press_the_same(members))
        async with phones(server, DOOR_PIN, audience, "Phone") as members:
            values.insert(1, await follow_and_vote(host, members, seconds))
    for value in values:
        print(f"  {value}", flush=True)
    return values


@contextlib.asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has opened the room's page, which gives it a cookie."""
    async with httpx.AsyncClient(base_url=server.client.base_url, timeout=30) as client:
        (await client.get("/room")).raise_for_status()
        yield client


async def start(client: httpx.AsyncClient, seed: int, steps: int, images: list[str] | None = None) -> str:
    experiment = CODEC.encode(short(PRESETS[0].experiment, steps)) | {"seed": seed}
    answer = await client.post("/api/runs", json={"experiment": experiment | ({"images": images} if images else {})})
    return str(answer.raise_for_status().json()["id"])


async def watch_the_wall(server: Server, host: httpx.AsyncClient, members: list[Phone], seconds: float) -> JSON:
    """Ten of the class run something different; all have the wall open. At the end the host pauses everything."""
    private = await hand_in(members[0].client)
    runs = [await start(members[at % len(members)].client, 100 + at, LASTING) for at in range(RUNNING)]
    reference: dict[tuple[str, int], float] = {}
    following = [asyncio.create_task(note_iterations(server, members[0], run, reference)) for run in runs]
    pid = server.process.pid
    await asyncio.sleep(3)
    before, begun = processor_seconds(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    spent, ended = processor_seconds(pid) - before, time.perf_counter()
    await asyncio.sleep(LATEST)  # for what is on its way to the wall
    ages = [age for phone in members for age in phone.ages_of_tiles(reference, begun, ended)]
    lost = sum(not set(runs) <= phone.tiles.keys() for phone in members)
    hidden = [(await phone.client.get(f"/api/runs/{private}")).status_code for phone in members[1:]]
    leaked = sum(code != 404 for code in hidden) + sum(private in phone.tiles for phone in members)
    pause = await pause_all(host, members, reference)
    for task in following:
        task.cancel()
    for run in [*runs, private]:
        await host.post(f"/api/runs/{run}/stop", json={})
    return {
        "what": "wall", "people": len(members), "age": max(ages, default=float("inf")), "age_p95": quantile(ages, 0.95),
        "share": spent / (ended - begun), "pause": pause, "lost": lost, "leaked": leaked, "load": os.getloadavg()[0],
    }  # fmt: skip


async def hand_in(client: httpx.AsyncClient) -> str:
    """A run of a picture that somebody has handed in and not shown to the room."""
    Image.new("RGB", (32, 32), "teal").save(data := io.BytesIO(), "PNG")
    image = (await client.post("/api/uploads", content=data.getvalue())).raise_for_status().json()["image"]
    return await start(client, 99, BRIEF, [image])


async def note_iterations(server: Server, phone: Phone, run: str, reference: dict[tuple[str, int], float]) -> None:
    """Notes when each iteration with a picture was there, by the run's own socket."""
    async with live(server, run, phone.headers) as socket:
        async for message in socket:
            head, _ = unpack_live(message) if isinstance(message, bytes) else ({}, b"")
            if head.get("picture") is not None:
                reference.setdefault((run, head["picture"]), time.perf_counter())


async def pause_all(host: httpx.AsyncClient, members: list[Phone], reference: dict[tuple[str, int], float]) -> float:
    """The seconds after which all phones say that everything is paused, and no picture comes any more."""
    begun = time.perf_counter()
    (await host.post("/api/room/hold", json={"held": True})).raise_for_status()
    told = await asyncio.gather(*(phone.until(lambda one: one.common.get("held")) for phone in members))
    await asyncio.sleep(2)
    last = max(reference.values(), default=begun)
    (await host.post("/api/room/hold", json={"held": False})).raise_for_status()
    return max(max(told), last) - begun


async def press_the_same(members: list[Phone]) -> JSON:
    """All press Run on the first preset at the same moment."""
    runs = set(await asyncio.gather(*(start(phone.client, 7, 300) for phone in members)))
    ends = await asyncio.gather(*(phone.until(lambda one: one.ended(runs)) for phone in members))
    return {"what": "same preset", "people": len(members), "runs": len(runs), "apart": max(ends) - min(ends)}


async def follow_and_vote(host: httpx.AsyncClient, members: list[Phone], seconds: float) -> JSON:
    """All phones follow one run of the host's, and each votes twice on one question."""
    run = await start(host, 8, LASTING)
    (await host.post("/api/room/follow", json={"run": run, "at": None})).raise_for_status()
    question = {"kind": "own", "question": "Does it leak?", "options": ["It does", "It does not"]}
    poll = (await host.post("/api/room/poll", json=question)).raise_for_status().json()["id"]
    begun = time.perf_counter()
    for option in (0, 1):
        await asyncio.gather(*(phone.vote(poll, option) for phone in members))
    await asyncio.sleep(max(0.0, seconds - (time.perf_counter() - begun)))
    ended = time.perf_counter()
    first: dict[int, float] = {}
    for phone in members:
        for iteration, when in phone.followed.items():
            first[iteration] = min(when, first.get(iteration, when))
    ages = [when - first[iteration] for phone in members for iteration, when in phone.followed.items() if when <= ended]
    await members[0].until(lambda one: (one.common.get("asked") or {}).get("voted") == len(members))
    counted = (members[0].common.get("asked") or {}).get("voted", 0)
    await host.post(f"/api/runs/{run}/stop", json={})
    blind = sum(not phone.followed for phone in members)
    return {
        "what": "following", "phones": len(members), "age": quantile(ages, 0.95) if not blind else float("inf"),
        "pictures": len(first), "counted": counted, "load": os.getloadavg()[0],
    }  # fmt: skip
