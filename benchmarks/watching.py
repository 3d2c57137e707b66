"""What watching costs: the same iterations in the bare generator, and in a worker with server and browser attached.

Both go on in turns of a second, while the other is frozen, so that a machine whose speed changes slows both alike. The
same seed, so the same computations; at a plateau the viewer presses Go on. A worker that thaws owes a frame, so it
shows a few more than it would have. Linux only. Results from before 2026-11-27 are of whole runs, one after the other.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.bare import play
from benchmarks.serving import ACTIVE, Server, Tab, browsing, linux, serving, short
from benchmarks.setting import SEED, Setting
from gradleak_core.experiment import Experiment, run
from gradleak_core.presets import PRESETS
from gradleak_core.types import Progress

JSON = Any
BAR = 0.95
MODELS = {"lenet": "first", "convnet": "convnet"}
"""Model and the preset that shows it."""
TURN = 1.0
"""Seconds of a turn; the server replaces a worker that has been silent for five."""


def measure(setting: Setting) -> JSON:
    linux()
    values = []
    with serving(setting) as server, browsing() as tab:
        for model, name in MODELS.items():
            base = next(preset.experiment for preset in PRESETS if preset.name == name)
            values += [{"model": model, **row} for row in pairs(replace(base, seed=SEED), setting, server, tab)]
    ratios = {m: statistics.median(row["ratio"] for row in values if row["model"] == m) for m in MODELS}
    return {
        "measured": ", ".join(f"{model} {ratio:.1%}" for model, ratio in ratios.items()),
        "met": min(ratios.values()) >= BAR,
        "seeds": [SEED],
        "ratios": ratios,
        "values": values,
    }


def pairs(base: Experiment, setting: Setting, server: Server, tab: Tab) -> list[JSON]:
    """Rows of one model: seconds of both, and the ratio of their speeds."""
    trial = play(short(base, 1000), setting.device)
    seconds = 4 if setting.quick else 15
    experiment = short(base, math.ceil(seconds * trial["iterations_per_second"]))
    found = []
    for _ in range(setting.count(5, 1)):
        found.append(compare(experiment, setting, server, tab))
        print(f"  {found[-1]}", flush=True)
    return found


def compare(experiment: Experiment, setting: Setting, server: Server, tab: Tab) -> JSON:
    """One run, watched and alone in turns: the seconds that each took by itself, and the ratio of their speeds."""
    worker, turns, alone, frozen = server.worker()["pid"], take_turns(experiment, setting.device), 0.0, 0.0
    former = len(server.get("runs"))
    tab.begin(server.address(experiment), limit=600)
    while len(rows := server.get("runs")) == former or rows[0]["status"] in ACTIVE:
        if len(rows) > former and rows[0]["iteration"]:
            with stopped(worker):
                begun = time.perf_counter()
                alone += next(turns, 0.0)
                frozen += time.perf_counter() - begun
        time.sleep(TURN)
    row = rows[0]
    if row["result"]["iterations"] != experiment.attack.steps:
        raise RuntimeError(f"The watched run ended after {row['result']['iterations']} iterations: {row['status']}.")
    watched = row["result"]["seconds"] - frozen
    alone += sum(turns)
    return {
        "iterations": row["result"]["iterations"], "bare": alone, "watched": watched, "ratio": alone / watched,
        "pictures": len(tab.end()["pictures"]),
    }  # fmt: skip


def take_turns(experiment: Experiment, device: str) -> Iterator[float]:
    """Plays an experiment without anybody who watches, and yields the seconds of each turn."""
    begun = time.perf_counter()
    for event in run(experiment, device=device):
        if isinstance(event, Progress) and time.perf_counter() - begun >= TURN:
            yield time.perf_counter() - begun
            begun = time.perf_counter()
    yield time.perf_counter() - begun


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
