"""What watching costs: the same iterations in the bare generator, and in a worker with server and browser attached.

Pairs in turns, the order changing, each half at least 10 s long; the same seed, so the same computations. Linux only.
The watched run's seconds are the worker's own, from the start of the run to its end, as are the bare one's.
`*_processor` are seconds of processor time: equal ones beside unequal seconds mean that others used the machine.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import replace
from typing import Any

from benchmarks.bare import play
from benchmarks.serving import Server, Tab, browsing, linux, processor_seconds, serving, short
from benchmarks.setting import SEED, Setting
from gradleak_core.experiment import Experiment
from gradleak_core.presets import PRESETS

JSON = Any
BAR = 0.95
MODELS = {"lenet": "first", "convnet": "convnet"}
"""Model and the preset that shows it."""


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
    seconds = 2 if setting.quick else 12
    experiment = short(base, math.ceil(seconds * trial["iterations_per_second"]))
    found = []
    for number in range(setting.count(5, 1)):
        first = bare(experiment, setting) if number % 2 else None
        watched = watch(experiment, server, tab, limit=20 * seconds)
        alone = first or bare(experiment, setting)
        iterations = watched["iterations"]
        if iterations != alone["iterations"]:
            raise RuntimeError(f"{iterations} iterations watched and {alone['iterations']} bare cannot be compared.")
        found.append({
            "order": "bare first" if first else "watched first", "iterations": iterations,
            "bare": alone["seconds"], "watched": watched["seconds"], "ratio": alone["seconds"] / watched["seconds"],
            "bare_processor": alone["processor"], "watched_processor": watched["processor"],
            "pictures": watched["pictures"],
        })  # fmt: skip
        print(f"  {found[-1]}", flush=True)
    return found


def bare(experiment: Experiment, setting: Setting) -> JSON:
    before = time.process_time()
    return play(experiment, setting.device) | {"processor": time.process_time() - before}


def watch(experiment: Experiment, server: Server, tab: Tab, limit: float) -> JSON:
    """The run's result, and how many pictures the viewer drew."""
    worker = server.worker()["pid"]
    before = processor_seconds(worker)
    seen = tab.press(server.address(experiment), limit)
    result = server.finished(server.get("runs")[0]["id"])["result"]
    return result | {"pictures": len(seen["pictures"]), "processor": processor_seconds(worker) - before}
