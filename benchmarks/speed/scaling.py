"""Milliseconds and memory of a step along five axes, median of five rounds in a fresh process each, and the exponent
that a straight line through the logarithms has. Linux only."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Iterator
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import torch

from benchmarks.serving import linux, status
from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import gradleak
from gradleak_core.experiment import CODEC, Experiment, load, prepare_both, threads
from gradleak_core.models.convnet import ConvNet
from gradleak_core.models.mlp import MLP
from gradleak_core.presets import find_recipe
from gradleak_core.types import ClientStep

JSON = Any
ATTACK = find_recipe("inverting_gradients")
BASE = Experiment(attack=ATTACK, seed=SEED)


def axes() -> Iterator[tuple[str, float, Experiment]]:
    """Axis, value, and the experiment there."""
    for size in (28, 56, 112, 224):
        yield "pixels", size**2, replace(BASE, model=ConvNet(), size=size)
    for batch in (1, 2, 4, 8, 16):
        yield "batch", batch, replace(BASE, images=("sample:chelsea",) * batch)
    for seeds in (1, 4, 16, 64):
        yield "seeds", seeds, replace(BASE, attack=replace(ATTACK, restarts=seeds))
    for model, size in ((MLP(16, 1), 14), (MLP(128, 2), 32), (MLP(1024, 2), 32), (MLP(2048, 6), 32)):
        yield "parameters", parameters(model, size), replace(BASE, model=model, size=size)
    for steps in (1, 2, 5, 10, 20):
        yield "local steps", steps, replace(BASE, client=ClientStep(local_epochs=steps))


def parameters(model: MLP, size: int) -> int:
    return sum(p.numel() for p in model.build((3, size, size), BASE.classes).parameters())


def measure(setting: Setting) -> JSON:
    linux()
    rows = []
    for axis, value, experiment in axes():
        milliseconds, memory = apart(experiment, setting.count(5, 1))
        rows.append({"axis": axis, "value": value, "milliseconds": milliseconds, "mb": memory})
        print(f"  {axis} {value:g}: {milliseconds:.1f} ms, {memory:.0f} MB", flush=True)
    names = list(dict.fromkeys(row["axis"] for row in rows))
    said = [f"{name} {ends(rows, name)}, exponent {exponent(rows, name):.2f}" for name in names]
    return {"measured": "; ".join(said), "met": True, "images": "samples", "seeds": [SEED], "values": rows}


def apart(experiment: Experiment, rounds: int) -> tuple[float, float]:
    """Milliseconds and MB in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        milliseconds, memory = pool.apply(cost, (CODEC.encode(experiment), rounds))
        return milliseconds, memory


def cost(json: JSON, rounds: int) -> tuple[float, float]:
    experiment = load(json)
    both = prepare_both(experiment)
    torch.set_num_threads(threads(experiment))
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    once = gradleak(both, experiment.attack, 2) / 2  # type: ignore[arg-type]
    steps = max(2, min(100, int(1 / once)))
    times = [gradleak(both, experiment.attack, steps) / steps for _ in range(rounds)]  # type: ignore[arg-type]
    return 1e3 * statistics.median(times), status("VmHWM") - before


def exponent(rows: list[JSON], axis: str) -> float:
    """The slope of log(milliseconds) over log(value), by least squares."""
    points = [(log(row["value"]), log(row["milliseconds"])) for row in rows if row["axis"] == axis]
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def ends(rows: list[JSON], axis: str) -> str:
    mine = [row for row in rows if row["axis"] == axis]
    first, last = mine[0], mine[-1]
    return f"{first['value']:g} → {last['value']:g}: {first['milliseconds']:.1f} → {last['milliseconds']:.1f} ms"
