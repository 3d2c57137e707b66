"""Measures how many CPU threads suit a single restart on a network on this machine."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from gradleak_core.experiment import Experiment, load, prepare_both
from gradleak_core.models import Model
from gradleak_core.presets import find_recipe
from gradleak_core.speed.recording import RECORDED_AT
from gradleak_core.speed.threads import ALL_THREADS, find_choice, keep_choices, size
from gradleak_core.types import JSON, Event

MEASURED_ATTACK = replace(find_recipe("inverting_gradients"), steps=10**9)
WARM = RECORDED_AT + 3
"""The events before timing: the start, and iterations until the step is recorded."""
STEPS = 3
"""The iterations that are timed together."""
ROUNDS = 3
"""The fewest times that each number of threads is tried. A single time may meet another program's work."""
FAST_WITHIN = 1.03
"""The factor by which fewer threads may be slower than the fastest number and still be chosen."""


def learn(experiment: JSON, busy: Callable[[], bool]) -> None:
    """Measures and keeps how many threads suit an experiment's network and batch, unless that is known.

    Keeps nothing when `busy` becomes true meanwhile. Of several restarts each has one thread, so nothing is measured.
    """
    known = load(experiment)
    title, images = known.model.title, size(len(known.images))
    if known.attack.restarts > 1 or find_choice(title, images) is not None or ALL_THREADS == 1:
        return
    found = time_threads(known.model, images, busy=busy)
    if not busy():
        keep_choices({title: {images: choose_fewest(found)}})


def time_threads(
    model: Model, images: int, seconds: float = 1.0, busy: Callable[[], bool] = lambda: False
) -> dict[int, float]:
    """Returns the milliseconds of an iteration by number of threads, tried in turns for that many seconds at least.

    Breaks off when `busy` becomes true. A number of threads that was not reached is missing.
    """
    both = prepare_both(Experiment(images=("sample:chelsea",) * images, model=model, attack=MEASURED_ATTACK))
    runs = {count: MEASURED_ATTACK.run(both.model, both.observation, seed=0) for count in thread_counts()}
    found: dict[int, list[float]] = {count: [] for count in runs}
    before = torch.get_num_threads()
    try:
        for count, run in runs.items():
            torch.set_num_threads(count)
            deque(itertools.takewhile(lambda _: not busy(), itertools.islice(run, WARM)), maxlen=0)
        begun = time.perf_counter()
        while not busy() and (any(len(f) < ROUNDS for f in found.values()) or time.perf_counter() - begun < seconds):
            for count, run in runs.items():
                torch.set_num_threads(count)
                found[count].append(time_iteration(run))
    finally:
        torch.set_num_threads(before)
    return {count: statistics.median(times) for count, times in found.items() if times}


def thread_counts() -> list[int]:
    """Returns the numbers of threads to try: 1, 2, 4, ... and all."""
    return sorted({*itertools.takewhile(lambda count: count < ALL_THREADS, (2**i for i in range(16))), ALL_THREADS})


def time_iteration(run: Iterator[Event]) -> float:
    """Returns the milliseconds of an iteration, as a mean of three after one in which the threads come together."""
    next(run)
    begun = time.perf_counter()
    for _ in range(STEPS):
        next(run)
    return 1e3 * (time.perf_counter() - begun) / STEPS


def choose_fewest(milliseconds: dict[int, float]) -> int:
    """Returns the fewest threads that are within 3 % of the fastest number."""
    bound = FAST_WITHIN * min(milliseconds.values())
    return min(count for count, value in milliseconds.items() if value <= bound)
