"""How many CPU threads suit one seed of a network on this machine, by trying."""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import replace

import torch

from gradleak_core.attacks.recipe import Recipe
from gradleak_core.experiment import Experiment, Prepared, prepare
from gradleak_core.models import Model
from gradleak_core.presets import recipe
from gradleak_core.threads import ALL_THREADS

ATTACK = recipe("inverting_gradients")
STEPS = 4
NEAR = 1.05
"""Fewer threads are chosen when they are at most this many times as slow."""


def tried(model: Model, images: int, seconds: float = 1.0) -> dict[int, float]:
    """Milliseconds of an iteration by number of threads (1, 2, 4, ..., all), in turns, for so many seconds in all."""
    both = prepare(Experiment(images=("sample:chelsea",) * images, model=model, attack=ATTACK))
    counts = sorted({ALL_THREADS, *itertools.takewhile(lambda count: count < ALL_THREADS, (2**i for i in range(16)))})
    found: dict[int, list[float]] = {count: [] for count in counts}
    before, begun = torch.get_num_threads(), time.perf_counter()
    try:
        while not all(found.values()) or time.perf_counter() - begun < seconds:
            for count in counts:
                torch.set_num_threads(count)
                found[count].append(iteration(both, ATTACK))
    finally:
        torch.set_num_threads(before)
    return {count: statistics.median(times) for count, times in found.items()}


def iteration(both: Prepared, attack: Recipe) -> float:
    """Milliseconds of one, without the first, which warms up."""
    events = replace(attack, steps=STEPS).run(both.model, both.observation, seed=0)
    for _ in range(2):
        next(events)
    begun = time.perf_counter()
    for _ in range(STEPS - 1):
        next(events)
    return 1e3 * (time.perf_counter() - begun) / (STEPS - 1)


def fewest(milliseconds: dict[int, float]) -> int:
    """The fewest threads that are nearly as fast as the fastest."""
    bound = NEAR * min(milliseconds.values())
    return min(count for count, value in milliseconds.items() if value <= bound)
