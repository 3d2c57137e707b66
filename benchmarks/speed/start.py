"""Warm: from an experiment to its first iteration in a process that has run others, median of five. Cold: from the
start of the server to a worker that says it is ready, median of five."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

from benchmarks.serving import serving
from benchmarks.setting import SEED, Setting
from gradleak_core.experiment import Experiment, run
from gradleak_core.presets import PRESETS
from gradleak_core.types import Progress

JSON = Any


def measure(setting: Setting) -> JSON:
    rows = []
    for preset in PRESETS:
        first(preset.experiment)
        times = [first(replace(preset.experiment, seed=SEED + i)) for i in range(setting.count(5, 1))]
        rows.append({"preset": preset.name, "warm": statistics.median(times)})
    starts = [ready(setting) for _ in range(setting.count(5, 1))]
    cold = statistics.median(starts)
    warm = max(row["warm"] for row in rows)
    return {
        "measured": f"{warm:.2f} s warm (the slowest preset), {cold:.1f} s cold",
        "met": warm <= 0.3 and cold <= 6,
        "images": "the samples",
        "seeds": [SEED],
        "values": [*rows, {"cold": starts}],
    }


def ready(setting: Setting) -> float:
    """Seconds from the start of a server to a worker that says it is ready."""
    begun = time.perf_counter()
    with serving(setting) as server:
        while server.worker()["state"] == "starting":
            time.sleep(0.05)
        return time.perf_counter() - begun


def first(experiment: Experiment) -> float:
    begun = time.perf_counter()
    for event in run(experiment, due=lambda _: False):
        if isinstance(event, Progress):
            return time.perf_counter() - begun
    raise AssertionError
