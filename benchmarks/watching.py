"""What watching costs: the same iterations in the bare generator, and in a worker with server and browser attached.

Both go on in turns of two seconds, while the other is frozen, and on the same core, which is another one for the next
pair: a machine or a core whose speed changes slows both alike. Each pair has new processes, because where the memory of
a process happens to lie changes its speed by several per cent. The same seed, so the same computations; at a plateau
the viewer presses Go on. A worker that thaws owes a frame, so it shows a few more than it would have. Linux only.
Results from before 2026-11-28 are of pairs that all had the same two processes.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import statistics
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.bare import play
from benchmarks.serving import ACTIVE, Server, Tab, browsing, linux, serving, short
from benchmarks.setting import SEED, Setting
from gradleak_core.experiment import Experiment, run
from gradleak_core.presets import PRESETS

JSON = Any
BAR = 0.95
MODELS = {"lenet": "first", "convnet": "convnet"}
"""Model and the preset that shows it."""
TURN = 2.0
"""Seconds of a turn; the server replaces a worker that has been silent for five."""


def measure(setting: Setting) -> JSON:
    linux()
    values, seconds = [], 4 if setting.quick else 10
    with browsing() as tab:
        for model, name in MODELS.items():
            base = replace(next(preset.experiment for preset in PRESETS if preset.name == name), seed=SEED)
            speed = play(short(base, 1000), setting.device)["iterations_per_second"]
            for pair in range(setting.count(9, 1)):
                with serving(setting) as server:
                    row = compare(short(base, math.ceil(seconds * speed)), setting.device, server, tab, pair)
                values.append({"model": model, **row})
                print(f"  {values[-1]}", flush=True)
    ratios = {m: statistics.median(row["ratio"] for row in values if row["model"] == m) for m in MODELS}
    return {
        "measured": ", ".join(f"{model} {ratio:.1%}" for model, ratio in ratios.items()),
        "met": min(ratios.values()) >= BAR,
        "seeds": [SEED],
        "ratios": ratios,
        "values": values,
    }


def compare(experiment: Experiment, device: str, server: Server, tab: Tab, pair: int) -> JSON:
    """One run, watched and alone in turns: the seconds that each took by itself, and the ratio of their speeds."""
    worker, (ours, theirs) = server.worker()["pid"], multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=play_alone, args=(experiment, device, theirs))
    process.start()
    ours.recv()
    cores = sorted(os.sched_getaffinity(0))
    for thread in (t for each in (worker, process.pid) for t in Path(f"/proc/{each}/task").iterdir()):
        os.sched_setaffinity(int(thread.name), {cores[pair % len(cores)]})
    tab.begin(server.address(experiment), limit=600)
    while not (rows := server.get("runs")) or not rows[0]["iteration"]:
        time.sleep(0.01)
    frozen = rested = alone = 0.0
    ours.send("begin")
    while (rows := server.get("runs"))[0]["status"] in ACTIVE:
        frozen += nap(worker)
        alone = alone or (ours.recv() - rested if ours.poll() else 0.0)
        rested += nap(process.pid)
    alone = alone or ours.recv() - rested
    process.join()
    row = rows[0]
    if row["result"]["iterations"] != experiment.attack.steps:
        raise RuntimeError(f"The watched run ended after {row['result']['iterations']} iterations: {row['status']}.")
    watched = row["result"]["seconds"] - frozen
    return {
        "iterations": row["result"]["iterations"], "bare": alone, "watched": watched, "ratio": alone / watched,
        "pictures": len(tab.end()["pictures"]),
    }  # fmt: skip


def play_alone(experiment: Experiment, device: str, told: Connection) -> None:
    """Says that it is ready, plays an experiment once it is told to, and says the seconds that this took."""
    told.send("ready")
    told.recv()
    begun = time.perf_counter()
    for _ in run(experiment, device=device):
        pass
    told.send(time.perf_counter() - begun)


def nap(process: int) -> float:
    """Freezes a process for a turn, and returns the seconds that this took."""
    begun = time.perf_counter()
    os.kill(process, signal.SIGSTOP)
    time.sleep(TURN)
    os.kill(process, signal.SIGCONT)
    return time.perf_counter() - begun
