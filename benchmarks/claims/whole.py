"""Runs of a claim go on to their last iteration: a goal that ended one early would be part of what is measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import bare, record
from benchmarks.setting import Setting
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.experiment import CODEC, Experiment
from gradleak_core.spread import Spread, play_here, play_tasks
from gradleak_core.spread.journal import Journal, key_of
from gradleak_core.spread.processes import on_processes

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

    @property
    def key(self) -> str:
        """What tells two jobs apart wherever they are done, in sixteen hexadecimal digits."""
        return key_of([CODEC.encode(self.experiment), self.limit, self.look, self.every, self.how.__qualname__])

    @property
    def images(self) -> tuple[str, ...]:
        return self.experiment.images

    def __call__(self) -> JSON:
        """Plays the run and returns of it what a claim keeps."""
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
        jobs.append(Job(experiment, setting.device, limit, look, every, how))
    rows = {}
    for job, row in play_tasks(jobs, Journal(setting.journal), spread_of(setting)):
        if isinstance(row, Exception):
            print(getattr(row, "told", ""), end="", flush=True)
            raise row
        rows[job.key] = row
        print(f"  {json.dumps(row)}", flush=True)
    return [head | rows[job.key] for head, job in zip(heads, jobs, strict=True)]


def spread_of(setting: Setting) -> Spread[Job]:
    """Returns how the jobs are done: in order in this process, in several, or on a cluster."""
    if setting.cluster:
        from gradleak_core.cluster.connection import connect
        from gradleak_core.cluster.tasks import on_cluster

        ray = connect(setting.cluster)
        return lambda jobs: on_cluster(ray, jobs, setting.device)
    if setting.jobs == 1:
        return play_here
    return lambda jobs: on_processes(jobs, setting.jobs)
