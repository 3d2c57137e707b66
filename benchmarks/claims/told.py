"""Attacks on an observation that has been changed on the way, such as one with a wrong label."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from benchmarks.claims.whole import whole
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.onlooker import make_frame
from gradleak_core.seeds import Role, seed_for
from gradleak_core.types import Finished, Observation, Progress


@dataclass(frozen=True)
class Attacked:
    """The attacker's pick, paired with the private pictures: both (B, C, H, W) on the CPU."""

    images: Tensor
    truth: Tensor
    metrics: dict[str, float]


def same(observation: Observation) -> Observation:
    return observation


def attacked(
    experiment: Experiment, device: str, limit: float, change: Callable[[Observation], Observation] = same
) -> Attacked:
    """Runs the attack on what `change` makes of the observation, for at most `limit` seconds."""
    experiment = whole(experiment)
    both, begun = prepare_both(experiment, device), time.perf_counter()
    pick, match, iteration = None, float("nan"), 0
    for event in experiment.attack.run(both.model, change(both.observation), seed=seed_for(experiment, Role.ATTACKER)):
        if isinstance(event, Finished):
            pick, match, iteration = event.pick, event.distance, event.iteration
        elif isinstance(event, Progress) and time.perf_counter() - begun >= limit:
            pick, match, iteration = event.pick(), float(event.best.min()), event.iteration
            break
    assert pick is not None
    shown = make_frame(both, iteration, pick, match, 0)
    return Attacked(shown.images, both.secret.images.cpu(), shown.metrics)
