"""Seconds to an SSIM of 0.6 against the private picture, looked at from outside ten times a second.

On each network all programs invert the same observed update with known labels, for at most 20 seconds: GradLeak with
Inverting Gradients as its ConvNet preset has it, breaching with its `invertinggradients`, and the bare loop with signed
Adam at a rate of 0.1. On the first preset GradLeak runs iDLG, and there is a minute. Every other program has one
thread, which its iterations are fastest with.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import bare, reconstruct
from gradleak_core.experiment import Experiment, prepare_both, threads
from gradleak_core.metrics import score
from gradleak_core.metrics.score import pair
from gradleak_core.models import MODELS
from gradleak_core.onlooker import Prepared
from gradleak_core.presets import FIRST_SETUP, SMALL_STEPS, find_recipe
from gradleak_core.seeds import Role, seed_for
from gradleak_core.types import Progress
from gradleak_core.verdicts import RECOGNISABLE_SSIM

JSON = Any
ATTACK = find_recipe("inverting_gradients")
NETWORKS = ("lenet", "convnet", "resnet18")
IMAGES = ("sample:coffee", "sample:rocket", "sample:flower", "sample:china", "sample:shuttle")
LIMIT, RACE, LOOK = 60, 20, 0.1
"""Seconds: at most on the first preset, at most on a network, and between looks."""
WITHOUT_END = 10**6


class Reached(Exception):
    """The look from outside has seen enough."""


class Watch:
    """Called with every guess (B, C, H, W) in [0, 1]; ends the program that calls it."""

    def __init__(self, both: Prepared, limit: float) -> None:
        self.secret, self.limit = both.secret, limit
        self.begun = time.perf_counter()
        self.following = 0.0
        self.seconds: float | None = None

    def __call__(self, guess: Callable[[], Tensor]) -> None:
        now = time.perf_counter() - self.begun
        if now < self.following:
            return
        self.following = now + LOOK
        images, truth, labels = guess(), self.secret.images, self.secret.labels
        if score(images[pair(images, truth)], truth, labels, labels, 0.0)["ssim"] >= RECOGNISABLE_SSIM:
            self.seconds = time.perf_counter() - self.begun
            raise Reached
        if now > self.limit:
            raise Reached


def seconds(program: Callable[[Prepared, Watch], object], both: Prepared, number: int, limit: float) -> float | None:
    """Until the program's guess is recognisable, or None."""
    torch.set_num_threads(number)
    watch = Watch(both, limit)
    with contextlib.suppress(Reached):
        program(both, watch)
    return watch.seconds


def gradleak(both: Prepared, watch: Watch, *, experiment: Experiment) -> None:
    for event in experiment.attack.run(both.model, both.observation, seed=seed_for(experiment, Role.ATTACKER)):
        if isinstance(event, Progress):
            watch(lambda pick=event.pick: pick().images[0])  # type: ignore[misc]


def loop(both: Prepared, watch: Watch) -> None:
    bare(both, ATTACK, WITHOUT_END, lambda guess: watch(lambda: guess))


def breaching(both: Prepared, watch: Watch) -> None:
    reconstruct(both, lambda guess: watch(lambda: guess))


def first_preset(setting: Setting) -> JSON:
    limit, both = setting.count(LIMIT, 3), prepare_both(FIRST_SETUP)
    ours = [
        seconds(partial(gradleak, experiment=FIRST_SETUP), both, threads(FIRST_SETUP), limit)
        for _ in range(setting.count(5, 1))
    ]
    theirs = seconds(breaching, both, 1, limit)
    mine = statistics.median(value or limit for value in ours)
    ratio = (theirs or limit) / mine
    return {
        "measured": f"GradLeak {mine:.2f} s, breaching {said(theirs, limit)}: ≥ {ratio:.0f}×",
        "met": ratio >= 5,
        "images": FIRST_SETUP.images[0],
        "seeds": [FIRST_SETUP.seed],
        "values": [{"gradleak": ours, "breaching": theirs}],
    }


def networks(setting: Setting) -> JSON:
    limit, rows = setting.count(RACE, 3), []
    for name in NETWORKS:
        found: dict[str, list[float | None]] = {"gradleak": [], "bare loop": [], "breaching": []}
        for image in IMAGES[: setting.count(len(IMAGES), 1)]:
            experiment = replace(Experiment(), images=(image,), model=MODELS[name](), attack=SMALL_STEPS, seed=SEED)
            both = prepare_both(experiment)
            ours = partial(gradleak, experiment=experiment)
            for who, program in (("gradleak", ours), ("bare loop", loop), ("breaching", breaching)):
                number = threads(experiment) if who == "gradleak" else 1
                found[who].append(seconds(program, both, number, limit))
        rows.append({"network": name, **found})
    return {
        "measured": "; ".join(f"{r['network']}: {summary(r, limit)}" for r in rows),
        "met": True,
        "images": f"{len(IMAGES)} samples",
        "seeds": [SEED],
        "values": rows,
    }


def summary(row: JSON, limit: float) -> str:
    return ", ".join(f"{who} {middle(times, limit)}" for who, times in row.items() if who != "network")


def middle(times: Sequence[float | None], limit: float) -> str:
    """The median, in which a program that never got there counts as the slowest."""
    return said(sorted(times, key=lambda value: value or limit)[len(times) // 2], limit)


def said(value: float | None, limit: float) -> str:
    return f"{value:.1f} s" if value is not None else f"not within {limit} s"
