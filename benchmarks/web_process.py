"""The server's own process while one browser watches a run: what it loads, its memory, its share of a core. Linux only.

The share is processor time, user and system, over the time of the run. `rss` is what is resident at the end of it.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.bare import play
from benchmarks.serving import browsing, linux, memory, processor_seconds, serving, short
from benchmarks.setting import SEED, Setting
from gradleak_core.presets import PRESETS

JSON = Any


def measure(setting: Setting) -> JSON:
    linux()
    base = replace(PRESETS[0].experiment, seed=SEED)
    steps = round(play(short(base, 200), setting.device)["iterations_per_second"] * (3 if setting.quick else 40))
    values = []
    with serving(setting) as server, browsing() as tab:
        pid = server.process.pid
        for seed in range(SEED, SEED + setting.count(3, 1)):
            address = server.address(short(replace(base, seed=seed), steps))
            tab.press(server.address(short(replace(base, seed=seed), 50)), 60)
            before, begun = processor_seconds(pid), time.perf_counter()
            tab.press(address, 300)
            share = (processor_seconds(pid) - before) / (time.perf_counter() - begun)
            values.append({"seed": seed, "core_share": share, "seconds": time.perf_counter() - begun, **memory(pid)})
            print(f"  {values[-1]}", flush=True)
        torch = "libtorch" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
    rss, share = values[-1]["rss"], statistics.median(row["core_share"] for row in values)
    return {
        "measured": f"torch {'loaded' if torch else 'not loaded'}; {rss:.0f} MB; {share:.1%} of a core",
        "met": not torch and max(row["rss"] for row in values) <= 150 and share <= 0.05,
        "seeds": [row["seed"] for row in values],
        "torch_loaded": torch,
        "values": values,
    }
