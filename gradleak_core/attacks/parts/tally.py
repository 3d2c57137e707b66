"""From what each class weighs in an update to one label a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = Any


def tally(mass: Tensor, weights: Sequence[float]) -> tuple[Tensor, float]:
    """Returns the labels (B,), in any order, that come nearest to what each class weighs, and their squared error.

    `mass` (classes,) is what the pictures of each class weigh together in the update and `weights` what each of the B
    pictures does; these have at most two values, of which pictures in a last, smaller mini-batch have the larger. How
    many pictures of each weight a class has follows from least squares, by dynamic programming over the classes. Where
    both weights allow several answers, such as two halves for three thirds, it gives one of them. What is not finite
    weighs nothing.
    """
    light, heavy = min(weights), max(weights)
    many = list(weights).count(light)
    few = len(weights) - many
    options = [(i, j) for i in range(many + 1) for j in range(few + 1)]
    cost = np.full((many + 1, few + 1), np.inf)
    cost[0, 0] = 0
    chosen = []
    for value in mass.nan_to_num(0, 0, 0).tolist():
        cost, best = extended(cost, options, [(value - i * light - j * heavy) ** 2 for i, j in options])
        chosen.append(best)
    labels, error = list[int](), float(cost[many, few])
    for label in reversed(range(len(chosen))):
        i, j = options[chosen[label][many, few]]
        labels += [label] * (i + j)
        many, few = many - i, few - j
    return torch.tensor(labels[::-1], device=mass.device), error


def extended(cost: Array, options: Sequence[tuple[int, int]], added: Sequence[float]) -> tuple[Array, Array]:
    """Returns the least cost (many, few) of so many pictures with one more class, and the option that it takes."""
    tried = np.full((len(options), *cost.shape), np.inf)
    for number, (i, j) in enumerate(options):
        tried[number, i:, j:] = cost[: cost.shape[0] - i, : cost.shape[1] - j] + added[number]
    return tried.min(0), tried.argmin(0)
