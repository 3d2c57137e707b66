"""Runs of a claim go on to their last iteration: a goal that ended one early would be part of what is measured."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import bare, record
from benchmarks.setting import Setting
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.experiment import CODEC, Experiment

JSON = Any
KEPT = ("iterations", "seconds", "seconds_to_recognisable", "iterations_to_recognisable", "iterations_to_25_db")
Player = Callable[[Experiment, str, float, float, float], JSON]
"""A function that plays a run as `play` does. Other processes must be able to import it."""


def whole(experiment: Experiment) -> Experiment:
    """Returns the experiment with an attack that has no goal."""
    attack = experiment.attack
    return replace(experiment, attack=replace(attack, goal=0.0)) if isinstance(attack, Recipe) else experiment


def play(
    experiment: Experiment, device: str, limit: float = math.inf, look: float = math.inf, every: float = math.inf
) -> JSON:
    """Returns what `bare.play` does of the whole run, cut after `limit` seconds."""
    return bare.play(whole(experiment), device, limit, look, every)


@dataclass(frozen=True)
class Job:
    """One run, with all that another process needs to do it."""

    experiment: Experiment
    device: str
    limit: float
    look: float
    every: float
    how: Player
    environment: dict[str, str]

    @property
    def key(self) -> str:
        """What tells two jobs apart wherever they are done, in sixteen hexadecimal digits."""
        said = [CODEC.encode(self.experiment), self.limit, self.look, self.every, self.how.__qualname__]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def __call__(self) -> JSON:
        """Plays the run and returns of it what a claim keeps."""
        os.environ.update(self.environment)
        result = self.how(self.experiment, self.device, self.limit, self.look, self.every)
        head = {"seed": self.experiment.seed, "device": record.device(self.device).get("name", "cpu")}
        return head | {key: result[key] for key in KEPT if key in result} | result["metrics"]


def play_all(
    runs: Iterable[tuple[JSON, Experiment]],
    setting: Setting,
    limit: float = math.inf,
    look: float = math.inf,
    every: float = math.inf,
    how: Player = play,
) -> list[JSON]:
    """Plays the whole run of each experiment by `how`, `setting.jobs` at once, and returns the rows in order.

    A row is what is said of the run, then its seed, device, iterations, seconds and metrics. Each is written to
    `setting.journal` when it is done, and a run that stands there is not played again.
    """
    heads, jobs = [], []
    for head, experiment in runs:
        heads.append(head)
        jobs.append(Job(experiment, setting.device, limit, look, every, how, own_environment()))
    known = read(setting.journal)
    missing = [job for job in jobs if job.key not in known]
    for job, row in done(missing, setting.jobs):
        known[job.key] = row
        note(setting.journal, job.key, row)
    return [head | known[job.key] for head, job in zip(heads, jobs, strict=True)]


def done(jobs: Sequence[Job], count: int) -> Iterator[tuple[Job, JSON]]:
    """Yields each job with its row when it is done, `count` at once. One alone is done in this process, in order."""
    if count == 1:
        yield from ((job, job()) for job in jobs)
        return
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(job): job for job in jobs}
        for future in as_completed(waiting):
            yield waiting[future], future.result()


def own_environment() -> dict[str, str]:
    """Returns the variables that say where pictures and trained weights lie now."""
    return {name: value for name, value in os.environ.items() if name.startswith("GRADLEAK_")}


def read(journal: Path | None) -> dict[str, JSON]:
    """Returns the rows of a journal by the key of their job; none when there is no such file."""
    if journal is None or not journal.exists():
        return {}
    return dict(json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines())


def note(journal: Path | None, key: str, row: JSON) -> None:
    """Adds a row to a journal, and says it."""
    print(f"  {json.dumps(row)}", flush=True)
    if journal is not None:
        with journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, row]) + "\n")
