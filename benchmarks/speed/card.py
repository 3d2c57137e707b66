"""What one GPU serves: iterations a second and memory of Inverting Gradients as pictures, batches and restarts grow,
in a fresh process for each network, and the iterations a second of several workers that share the GPU.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any

import torch

from benchmarks.setting import SEED, Setting
from gradleak_core.config.demand import demand
from gradleak_core.experiment import CODEC, Experiment, load, prepare_both
from gradleak_core.models import MODELS
from gradleak_core.presets import FIRST_SETUP, find_recipe
from gradleak_core.types import Progress, Refused

JSON = Any
NETWORKS = ("lenet", "convnet", "resnet20", "resnet18", "vit")
LARGE = {"lenet": 128, "vit": 64}
"""The largest pictures that a network reads, where not of 224 pixels."""
SHAPES: tuple[dict[str, int], ...] = (
    {},
    {"batch": 16},
    {"size": 224},
    {"restarts": 16},
    {"restarts": 64},
    {"restarts": 256},
)
WORKERS = (1, 2, 4, 8)
FIRST = 3
"""Iterations before the clock starts, in which the step is recorded."""
SECONDS, LONG = 3.0, 10.0
"""How long one alone is timed, and each of several workers."""


def measure(setting: Setting) -> JSON:
    if not torch.cuda.is_available():
        raise Refused("There is no CUDA device here; run this measurement where there is one.")
    rows = [row for network in NETWORKS[:: setting.count(1, 3)] for row in apart(network, setting.quick)]
    shared = [together(count, 1 if setting.quick else LONG) for count in WORKERS[:: setting.count(1, 3)]]
    said = [f"{row['workers']}: {row['iterations_per_second']:,.0f}" for row in shared]
    return {
        "measured": f"iterations a second of so many workers, first preset: {', '.join(said)}",
        "met": True,
        "images": "samples",
        "seeds": [SEED],
        "shared": shared,
        "values": rows,
    }


def apart(network: str, quick: bool) -> list[JSON]:
    """Returns what was measured of a network with each shape, or the sentence by which the GPU refused it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return [pool.submit(one, network, shape, 0 if quick else SECONDS).result() for shape in SHAPES]


def one(network: str, shape: dict[str, int], seconds: float) -> JSON:
    """Returns the row of a network and a shape, whose pictures are no larger than it reads."""
    size = {"size": min(shape["size"], LARGE.get(network, shape["size"]))} if "size" in shape else {}
    experiment = built(network, **shape | size)
    bound = demand(CODEC.encode(experiment), CODEC.encode(experiment.model.work)).memory / 1e6
    try:
        found = pace(CODEC.encode(experiment), seconds)
    except torch.OutOfMemoryError as error:
        found = {"refused": str(error).split(". ")[0]}
    row = {"network": network} | shape | size | found | {"estimated_mb": bound}
    print(f"  {row}", flush=True)
    return row


def built(network: str, batch: int = 1, size: int = 32, restarts: int = 1) -> Experiment:
    attack = replace(find_recipe("inverting_gradients"), restarts=restarts, steps=10**5, goal=0.0)
    images, labels = ("sample:chelsea",) * batch, tuple(n % 10 for n in range(batch))
    return Experiment(images, labels, size, seed=SEED, model=MODELS[network](), attack=attack)


def pace(json: JSON, seconds: float) -> JSON:
    """Returns the iterations a second of an experiment's attack on the GPU, and the memory that it takes there."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    experiment = load(json)
    both = prepare_both(experiment, "cuda")
    events = (e for e in experiment.attack.run(both.model, both.observation, seed=SEED) if isinstance(e, Progress))
    next(islice(events, FIRST, None))
    count, begun = 0, clock()
    while not count or clock() - begun < seconds:
        next(islice(events, 9, None))
        count += 10
    return {"iterations_per_second": count / (clock() - begun), "memory_mb": torch.cuda.max_memory_reserved() / 1e6}


def clock() -> float:
    """Returns the time in seconds once the GPU has done all that it was given."""
    torch.cuda.synchronize()
    return time.perf_counter()


def together(count: int, seconds: float) -> JSON:
    """Returns the iterations a second that so many workers do between them, each on the first preset."""
    attack = replace(FIRST_SETUP.attack, steps=10**5, goal=0.0)  # type: ignore[type-var]
    json = CODEC.encode(replace(FIRST_SETUP, attack=attack))
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(pace, [json] * count, [0.0] * count))  # each has loaded PyTorch
        found = list(pool.map(pace, [json] * count, [seconds] * count))
    return {"workers": count, "iterations_per_second": sum(row["iterations_per_second"] for row in found)}
