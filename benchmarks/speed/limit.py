"""Floating-point operations of a step (forward, backward, double backward) over its time, against this machine's own
matrix product; and the least traffic, eight passes over the parameters (weights three times, guessed and observed
update and the slope between them), against its own copy. The larger share is the bound that applies.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import gradleak
from gradleak_core.attacks.recipe import Recipe
from gradleak_core.experiment import Experiment, prepare, threads
from gradleak_core.models import MODELS
from gradleak_core.presets import recipe

JSON = Any
NETWORKS = {"mlp": 20, "lenet": 100, "convnet": 40, "resnet20": 20, "resnet18": 8, "vit": 20}
PASSES, FLOAT = 8, 4


def measure(setting: Setting) -> JSON:
    rows = [row(name, setting.count(steps, 2)) for name, steps in NETWORKS.items()]
    said = [
        f"{r['network']} {r['milliseconds']:.1f} ms, {max(r['compute'], r['memory']):.0%} of {bound(r)}" for r in rows
    ]
    return {"measured": "; ".join(said), "met": True, "images": "a sample", "seeds": [SEED], "values": rows}


def bound(row: JSON) -> str:
    return "compute" if row["compute"] >= row["memory"] else "memory"


def row(name: str, steps: int) -> JSON:
    experiment = Experiment(model=MODELS[name](), attack=recipe("inverting_gradients"), seed=SEED)
    assert isinstance(experiment.attack, Recipe)
    both = prepare(experiment)
    torch.set_num_threads(threads(experiment))
    with FlopCounterMode(display=False) as counter:
        gradleak(both, experiment.attack, 1)
    step = statistics.median(gradleak(both, experiment.attack, steps) / steps for _ in range(5))
    traffic = PASSES * FLOAT * sum(p.numel() for p in both.model.parameters())
    flops = counter.get_total_flops()
    return {
        "network": name, "threads": threads(experiment), "milliseconds": 1e3 * step, "gflop": flops / 1e9,
        "compute": flops / step / product(), "memory": traffic / step / copying(),
    }  # fmt: skip


def product(side: int = 1024) -> float:
    """Floating-point operations a second of a large matrix product."""
    a, b = torch.rand(side, side), torch.rand(side, side)
    return 2 * side**3 / fastest(lambda: a @ b)


def copying(size: int = 2**26) -> float:
    """Bytes a second, read and written, of a copy too large for any cache."""
    a, b = torch.rand(size), torch.empty(size)
    return 2 * FLOAT * size / fastest(lambda: b.copy_(a))


def fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(6):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)
