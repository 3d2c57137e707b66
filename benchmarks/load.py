"""A room of strangers before one server: a hundred viewers, three hundred, and thirty people who press Run at once.

The server and its worker run as they are started by hand, in processes of their own; this process is all the others.
Everything goes over loopback. A run is watched at ten iterations a second, each of which has its picture: no server
sends more, and it goes on for as long as one likes. A picture's age is counted from its arrival at the first of the
viewers. Rates and ages suffer from whatever else the machine does (`load` beside each); shares of a core, and the
worker's speed, which is its iterations for a second of its own processor time, suffer much less. Linux only.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.crowd import APART, crowd
from benchmarks.serving import Server, linux, memory, processor_seconds, running, serving, short
from benchmarks.setting import SEED, Setting
from benchmarks.viewers import seen, watching
from gradleak_core.presets import PRESETS

JSON = Any
PACE = 10
LONG = 100_000
"""The iterations of a run that is stopped when enough is known."""
SETTLING = 3.0
"""The seconds that a room has to calm down before it is measured."""


def measure(setting: Setting) -> JSON:
    linux()
    seconds = setting.count(30, 5)
    with serving(setting) as server:
        values = [asyncio.run(room(server, count, seconds)) for count in (1, 100, 300)]
        values += [asyncio.run(undisturbed(server, count, seconds)) for count in (0, 100, 0, 100)]
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), setting.device, APART) as server:
        values.append(asyncio.run(crowd(server, Path(folder), setting.count(30, 10))))
    _, hundred, three, *speeds, people = values
    kept = statistics.mean(speeds[at]["iterations"] for at in (1, 3)) / statistics.mean(
        speeds[at]["iterations"] for at in (0, 2)
    )
    bars = [
        hundred["worst_rate"] >= 8, hundred["age"] <= 0.25, hundred["share"] <= 0.3, hundred["rss"] <= 250,
        not hundred["errors"], not three["errors"], three["worst_rate"] >= 4, kept >= 0.95, *people.pop("bars"),
    ]  # fmt: skip
    return {
        "measured": f"100: {hundred['worst_rate']:.1f} pictures a second at worst, age {1000 * hundred['age']:.0f} ms, "
        f"{hundred['share']:.0%} of a core, {hundred['rss']:.0f} MB, worker at {kept:.0%}; "
        f"300: {three['worst_rate']:.1f} a second, {three['errors']} errors; {people.pop('said')}",
        "met": all(bars),
        "seeds": [SEED],
        "values": values,
    }


async def room(server: Server, count: int, seconds: float) -> JSON:
    """So many viewers of one run at ten pictures a second: what they see, and what it costs the web process."""
    run = server.submit(short(PRESETS[0].experiment, LONG))
    server.client.post(f"/api/runs/{run}/pace", json={"per_second": PACE}).raise_for_status()
    pid = server.process.pid
    async with watching(server, run, count) as viewers:
        await asyncio.sleep(SETTLING)
        before, begun = processor_seconds(pid), time.perf_counter()
        await asyncio.sleep(seconds)
        ended, spent = time.perf_counter(), processor_seconds(pid) - before
        costs = {"share": spent / (ended - begun), **memory(pid), "load": os.getloadavg()[0]}
        going = server.get(f"runs/{run}")["status"]
    value = {"what": "viewers", **seen(viewers, begun, ended), **costs, "run": going}
    server.client.delete(f"/api/runs/{run}").raise_for_status()
    print(f"  {value}", flush=True)
    return value


async def undisturbed(server: Server, count: int, seconds: float) -> JSON:
    """The iterations that the worker does in a second of its own processor time, before so many viewers."""
    run = server.submit(short(PRESETS[0].experiment, LONG))
    pid = server.worker()["pid"]
    async with watching(server, run, count):
        await asyncio.sleep(SETTLING)
        before, done = processor_seconds(pid), server.get(f"runs/{run}")["iteration"]
        await asyncio.sleep(seconds)
        more, spent = server.get(f"runs/{run}")["iteration"] - done, processor_seconds(pid) - before
    server.client.delete(f"/api/runs/{run}").raise_for_status()
    value = {"what": "full speed", "viewers": count, "iterations": more / spent, "load": os.getloadavg()[0]}
    print(f"  {value}", flush=True)
    return value
