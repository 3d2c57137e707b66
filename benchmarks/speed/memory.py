"""By how much the memory of a fresh process grows at most during five steps, median of five processes. Linux only.

The bar is about the process's own memory. Said beside it: the same with the code of PyTorch that steps are the first
to use, which the system reads from files, shares among processes and may drop again."""

from __future__ import annotations

import multiprocessing
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.serving import linux, status
from benchmarks.setting import SEED, Setting
from gradleak_core.experiment import CODEC, Experiment, load, prepare_both
from gradleak_core.models import MODELS
from gradleak_core.presets import find_recipe

JSON = Any
NETWORKS = ("lenet", "convnet", "resnet18")
BAR = 1.5


def measure(setting: Setting) -> JSON:
    linux()
    rows = []
    for name in NETWORKS:
        experiment = Experiment(model=MODELS[name](), attack=find_recipe("inverting_gradients"), seed=SEED)
        rounds = [[growth(experiment, who) for who in ("gradleak", "bare")] for _ in range(setting.count(5, 1))]
        ours, bare = (Growth(*map(statistics.median, zip(*grown, strict=True))) for grown in zip(*rounds, strict=True))
        row = {"gradleak_mb": ours._asdict(), "bare_mb": bare._asdict(), "ratio": ours.own / bare.own}
        rows.append({"network": name, **row, "resident_ratio": ours.resident / bare.resident})
    said = [f"{r['network']} {r['ratio']:.3g}× ({r['gradleak_mb']['own']:.0f} MB)" for r in rows]
    whole = [f"{r['resident_ratio']:.3g}×" for r in rows]
    measured = f"{', '.join(said)}; with the code that is read {', '.join(whole)}"
    met = all(row["ratio"] <= BAR for row in rows)
    return {"measured": measured, "met": met, "images": "a sample", "seeds": [SEED], "values": rows}


class Growth(NamedTuple):
    """MB."""

    own: float
    resident: float


def growth(experiment: Experiment, who: str) -> Growth:
    """In a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(grown, (CODEC.encode(experiment), who))


def grown(json: JSON, who: str) -> Growth:
    from benchmarks.speed import contenders

    experiment = load(json)
    both = prepare_both(experiment)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before, read = status("VmRSS"), status("RssFile")
    getattr(contenders, who)(both, experiment.attack, 5)
    resident = status("VmHWM") - before
    return Growth(resident - (status("RssFile") - read), resident)
