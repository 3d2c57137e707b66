"""How many CPU threads suit one restart of a network on this machine, by trying."""

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
"""Events before timing: the start, and iterations until the step is recorded."""
STEPS = 3
"""Iterations timed at a time."""
ROUNDS = 3
"""Times that each number of threads is tried at least: one alone may meet another program's work."""
FAST_WITHIN = 1.03
"""Fewer threads are chosen when they are at most this many times as slow."""


def learn(experiment: JSON, busy: Callable[[], bool]) -> None:
    """Measures and keeps how many threads suit an experiment's network and batch, unless that is known.

    Nothing is kept when `busy` comes true meanwhile. Several restarts have a thread each, and nothing to measure.
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
    """Milliseconds of an iteration by number of threads (1, 2, 4, ..., all), in turns, for so many seconds at least.

    Breaks off when `busy` comes true.
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
    """1, 2, 4, ... and all threads."""
    return sorted({*itertools.takewhile(lambda count: count < ALL_THREADS, (2**i for i in range(16))), ALL_THREADS})


def time_iteration(run: Iterator[Event]) -> float:
    """Milliseconds of one, over a few, without the first, in which the threads come together."""
    next(run)
    begun = time.perf_counter()
    for _ in range(STEPS):
        next(run)
    return 1e3 * (time.perf_counter() - begun) / STEPS


def choose_fewest(milliseconds: dict[int, float]) -> int:
    """The fewest threads that are nearly as fast as the fastest."""
    bound = FAST_WITHIN * min(milliseconds.values())
    return min(count for count, value in milliseconds.items() if value <= bound)
