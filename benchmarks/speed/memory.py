"""By how much the resident memory of a fresh process grows at most during five steps, median of five processes.
Linux only."""

from __future__ import annotations

import multiprocessing
import re
import statistics
from pathlib import Path
from typing import Any

from benchmarks.serving import linux
from benchmarks.setting import SEED, Setting
from gradleak_core.experiment import CODEC, Experiment, load, prepare
from gradleak_core.models import MODELS
from gradleak_core.presets import recipe

JSON = Any
NETWORKS = ("lenet", "convnet", "resnet18")
BAR = 1.5


def measure(setting: Setting) -> JSON:
    linux()
    rows = []
    for name in NETWORKS:
        experiment = Experiment(model=MODELS[name](), attack=recipe("inverting_gradients"), seed=SEED)
        rounds = [[growth(experiment, who) for who in ("gradleak", "bare")] for _ in range(setting.count(5, 1))]
        ours, bare = map(statistics.median, zip(*rounds, strict=True))
        rows.append({"network": name, "gradleak_mb": ours, "bare_mb": bare, "ratio": ours / bare})
    said = [f"{r['network']} {r['ratio']:.2f}× ({r['gradleak_mb']:.0f} MB)" for r in rows]
    met = all(row["ratio"] <= BAR for row in rows)
    return {"measured": ", ".join(said), "met": met, "images": "a sample", "seeds": [SEED], "values": rows}


def growth(experiment: Experiment, who: str) -> float:
    """MB, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(grown, (CODEC.encode(experiment), who)))


def grown(json: JSON, who: str) -> float:
    from benchmarks.speed import contenders

    experiment = load(json)
    both = prepare(experiment)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = status("VmRSS")
    getattr(contenders, who)(both, experiment.attack, 5)
    return status("VmHWM") - before


def status(field: str) -> float:
    """A line of this process's status, in MB."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"), re.M)
    assert found is not None
    return int(found[1]) / 1024
