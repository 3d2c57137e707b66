"""DLG as it was published: PyTorch's L-BFGS in full steps, without the line search that the recipe here has."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks import bare
from gradleak_core.client import local_update
from gradleak_core.experiment import Experiment, prepare_both, threads
from gradleak_core.metrics.score import visible
from gradleak_core.onlooker import Prepared, make_frame
from gradleak_core.seeds import Role, seed_for
from gradleak_core.types import Candidate, Observation

JSON = Any
OUTER = 300
"""The steps of L-BFGS in the published code, of up to twenty evaluations each."""


class Reached(NamedTuple):
    """The guess after a step of L-BFGS: a picture (1, C, H, W), a label's logits (1, classes), and their distance."""

    image: Tensor
    logits: Tensor
    distance: float

    @property
    def finite(self) -> bool:
        return math.isfinite(self.distance) and bool(self.image.isfinite().all())


def play_published(experiment: Experiment, device: str, limit: float) -> JSON:
    """Plays published DLG and returns of it what a claim keeps, with evaluations for iterations.

    A run ends with a step that leads to no finite guess, and the guess before it is scored.
    """
    begun, clear, last, count = time.perf_counter(), None, None, 0
    torch.set_num_threads(threads(experiment))
    both = prepare_both(experiment, device)
    for count, reached in steps(both, seed_for(experiment, Role.ATTACKER)):
        if not reached.finite:
            break
        last = reached
        if clear is None and psnr(both, reached.image) >= bare.CLEAR_PSNR:
            clear = count
        if time.perf_counter() - begun >= limit:
            break
    assert last is not None, "the first guess is finite"
    pick = Candidate(last.image[None], last.logits.softmax(-1)[None], {})
    metrics = make_frame(both, count, pick, last.distance, 0).metrics
    seconds = round(time.perf_counter() - begun, 4)
    return {"iterations": count, "seconds": seconds, "iterations_to_25_db": clear, "metrics": metrics}


def steps(both: Prepared, seed: int) -> Iterator[tuple[int, Reached]]:
    """Yields the first guess and that after each step, with the evaluations so far."""
    image, logits = first_guess(both.observation, seed)
    search, count = torch.optim.LBFGS([image, logits], lr=1), 0

    def evaluate() -> Tensor:
        nonlocal count
        count += 1
        distance = squared_distance(both, image, logits)
        image.grad, logits.grad = torch.autograd.grad(distance, [image, logits])
        return distance.detach()

    for left in range(OUTER, -1, -1):
        distance = float(squared_distance(both, image, logits).detach())
        yield count, Reached(image.detach().clone(), logits.detach().clone(), distance)
        if left:
            search.step(evaluate)


def first_guess(observation: Observation, seed: int) -> tuple[Tensor, Tensor]:
    """Draws a picture (1, C, H, W) and a label's logits (1, classes) from N(0, 1), on the update's device."""
    dice, like = torch.Generator().manual_seed(seed), next(iter(observation.update.values()))
    shapes = (observation.batch, *observation.shape), (observation.batch, observation.classes)
    image, logits = (torch.randn(shape, generator=dice).to(like).requires_grad_() for shape in shapes)
    return image, logits


def squared_distance(both: Prepared, image: Tensor, logits: Tensor) -> Tensor:
    """Returns the squared distance () between the update of a guess and the client's."""
    observation = both.observation
    update = local_update(both.model, image, logits.softmax(-1), {}, observation.step, differentiable=True)
    return torch.stack([(update[name] - seen).square().sum() for name, seen in observation.update.items()]).sum()


def psnr(both: Prepared, image: Tensor) -> float:
    """Returns the PSNR of a guess as it is shown, in dB."""
    return float(-10 * (visible(image) - visible(both.secret.images)).square().mean().clamp(min=1e-10).log10())
