"""Floating-point operations of a step, every pass of it, over its time, against the faster of a large matrix product
and a large convolution on this machine with as many threads; and the least traffic, six passes over the parameters
(weights four times, the observed update twice), against its own copy. The larger share is the bound that applies.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import gradleak
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.experiment import Experiment, prepare_both, threads
from gradleak_core.models import MODELS
from gradleak_core.onlooker import Prepared
from gradleak_core.presets import find_recipe

JSON = Any
CASES = (
    ("mlp", 1, 20), ("lenet", 1, 100), ("convnet", 1, 40), ("resnet20", 1, 20), ("resnet18", 1, 20), ("vit", 1, 20),
    ("mlp", 32, 20), ("lenet", 32, 40), ("convnet", 32, 10),
)  # fmt: skip
"""Network, restarts, iterations in a round."""
PASSES, FLOAT = 6, 4
ONEDNN = ("_convolution_pointwise", "_convolution_transpose_pointwise")
"""Convolutions that torch's counter passes over."""


def measure(setting: Setting) -> JSON:
    rows = [row(name, restarts, setting.count(steps, 2)) for name, restarts, steps in CASES]
    said = [f"{who(r)} {r['milliseconds']:.1f} ms, {max(r['compute'], r['memory']):.0%} of {bound(r)}" for r in rows]
    return {"measured": "; ".join(said), "met": True, "images": "a sample", "seeds": [SEED], "values": rows}


def who(row: JSON) -> str:
    return str(row["network"]) if row["seeds"] == 1 else f"{row['seeds']} restarts of {row['network']}"


def bound(row: JSON) -> str:
    return "compute" if row["compute"] >= row["memory"] else "memory"


def row(name: str, restarts: int, steps: int) -> JSON:
    attack = replace(find_recipe("inverting_gradients"), restarts=restarts)
    experiment = Experiment(model=MODELS[name](), attack=attack, seed=SEED)
    both = prepare_both(experiment)
    torch.set_num_threads(threads(experiment))
    step = statistics.median(gradleak(both, attack, steps) / steps for _ in range(5))
    traffic = PASSES * FLOAT * sum(p.numel() for p in both.model.parameters())
    flops = restarts * (operations(both, attack, 2) - operations(both, attack, 1))
    return {
        "network": name, "seeds": restarts, "threads": threads(experiment),
        "milliseconds": 1e3 * step, "gflop": flops / 1e9,
        "compute": flops / step / max(product(), convolution()), "memory": traffic / step / copying(),
    }  # fmt: skip


def operations(both: Prepared, attack: Recipe, steps: int) -> int:
    """Floating-point ones of a run of one restart."""
    uncounted = {getattr(torch.ops.mkldnn, name): partial(convolved, "transpose" in name) for name in ONEDNN}
    with FlopCounterMode(display=False, custom_mapping=uncounted) as counter:
        deque(replace(attack, restarts=1, steps=steps).run(both.model, both.observation, seed=1), maxlen=0)
    return int(counter.get_total_flops())


def convolved(transposed: bool, x: Sequence[int], weight: Sequence[int], *_: Any, out_shape: Any, **__: Any) -> int:
    return conv_flop_count([*x], [*weight], [*out_shape], transposed)


def product(side: int = 1024) -> float:
    """Floating-point operations a second of a large matrix product."""
    a, b = torch.rand(side, side), torch.rand(side, side)
    return 2 * side**3 / fastest(lambda: a @ b)


def convolution(channels: int = 64, side: int = 128) -> float:
    """Floating-point operations a second of a large convolution."""
    image, kernel = torch.rand(1, channels, side, side), torch.rand(channels, channels, 3, 3)
    return 2 * 9 * channels**2 * side**2 / fastest(lambda: F.conv2d(image, kernel, padding=1))


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
