"""An hour of runs, one after another, with viewers who come and go: what the processes keep of it. Linux only.

The presets are played in turn, each for a few seconds, and the oldest runs are deleted, so that the list stays short.
The processes are looked at twice while nobody is there: after a sixth of the time, and at the end. `--quick` takes
three minutes in all.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from benchmarks.serving import ACTIVE, Server, linux, memory, serving, short
from benchmarks.setting import SEED, Setting
from benchmarks.viewers import Viewer, live, watching
from gradleak_core.presets import PRESETS

JSON = Any
VIEWERS = 12
ROOM = 40
"""The viewers that come all at once in the beginning, so that the server has all the threads that it will ever have."""
KEPT = 20
"""The runs that stay in the list."""
STEPS = 400
PATIENCE = 4.0
"""The seconds that a run is watched before it is stopped."""
REST = 15.0
"""The seconds that the server and its worker have to put everything away."""
BAR = 0.05
POOLED = {"threads": 4, "files": 12}
"""What the server's pool of threads may have more of by chance; each has the three files of its database open.

What keeps something of every visit has hundreds.
"""


def measure(setting: Setting) -> JSON:
    linux()
    seconds = setting.count(3600, 180)
    with serving(setting) as server:
        early = asyncio.run(endure(server, seconds / 6, SEED))
        late = asyncio.run(endure(server, seconds - seconds / 6, SEED + early["runs"]))
    grown = {name: late[name]["rss"] / early[name]["rss"] - 1 for name in ("server", "worker")}
    left, same = found_left(early, late), late["worker"]["pid"] == early["worker"]["pid"]
    growths = ", ".join(f"{name} {growth:+.1%}" for name, growth in grown.items())
    said = ", ".join(f"{more} {name}" for name, more in left.items()) or "nothing"
    said += "" if same else "; the worker was replaced"
    return {
        "measured": f"{late['runs']} runs, {late['visits']} visits: {growths}; left over: {said}",
        "met": max(grown.values()) < BAR and not left and not late["error"] and same,
        "seeds": [SEED],
        "values": [early, late],
    }  # fmt: skip


def found_left(early: JSON, late: JSON) -> dict[str, int]:
    """What there is more of than before, of each process: open files, sockets, threads and child processes."""
    return {
        f"{what} of the {name}": more
        for name in ("server", "worker")
        for what in ("files", "sockets", "threads", "children")
        if (more := late[name][what] - early[name][what]) > POOLED.get(what, 0)
    }


async def endure(server: Server, seconds: float, seed: int) -> JSON:
    """Plays and watches for so long, lets all come to rest, and says what the processes are like then."""
    async with watching(server, server.get("runs")[0]["id"], ROOM):
        ended, newest = time.monotonic() + seconds, [""]
    playing = asyncio.to_thread(play, server, ended, newest, seed)
    played, *came = await asyncio.gather(
        playing, *(come_and_go(server, ended, newest, random.Random(n)) for n in range(VIEWERS))
    )
    await asyncio.sleep(min(REST, seconds / 2))
    error = next((error for _, error in came if error), None)
    value = {
        "seconds": seconds, "runs": played, "visits": sum(visits for visits, _ in came), "error": error,
        "load": os.getloadavg()[0],
        "server": sample(server.process.pid), "worker": sample(server.worker()["pid"]),
    }  # fmt: skip
    print(f"  {value}", flush=True)
    return value


def play(server: Server, ended: float, newest: list[str], seed: int) -> int:
    """Plays one run after another until the time is over; `newest` names the one that plays. How many there were."""
    played = 0
    while time.monotonic() < ended:
        preset = PRESETS[played % len(PRESETS)]
        newest[0] = server.submit(short(replace(preset.experiment, seed=seed + played), STEPS))
        played += 1
        patience = time.monotonic() + PATIENCE
        while server.get(f"runs/{newest[0]}")["status"] in ACTIVE:
            if time.monotonic() > patience:
                server.client.post(f"/api/runs/{newest[0]}/stop", json={})
                patience += PATIENCE
            time.sleep(0.1)
        for row in server.get("runs")[KEPT:]:
            server.client.delete(f"/api/runs/{row['id']}")
    newest[0] = ""
    return played


async def come_and_go(server: Server, ended: float, newest: list[str], dice: random.Random) -> tuple[int, str | None]:
    """Looks at the newest run for a moment, again and again. How often, and what went wrong first."""
    visits, error = 0, None
    while time.monotonic() < ended:
        try:
            if newest[0]:
                async with live(server, newest[0]) as socket:
                    visits += 1
                    await asyncio.wait_for(Viewer().follow(socket), dice.uniform(0.2, 3))
        except asyncio.TimeoutError:  # it has looked long enough
            pass
        except (OSError, ConnectionClosed) as trouble:
            error = error or repr(trouble)
        await asyncio.sleep(dice.uniform(0, 0.5))
    return visits, error


def sample(pid: int) -> JSON:
    """The memory of a process, and how many files, sockets, threads and processes it has."""
    open_files = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            open_files.append(str(file.readlink()))
        except FileNotFoundError:  # it was closed meanwhile
            continue
    sockets = sum(name.startswith("socket:") for name in open_files)
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    children = [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
    return {
        "pid": pid, **memory(pid), "files": len(open_files) - sockets, "sockets": sockets, "threads": len(tasks),
        "children": len(children),
    }  # fmt: skip
