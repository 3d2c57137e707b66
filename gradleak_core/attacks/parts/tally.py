"""One label for each picture, from what each class weighs in an update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = Any


def tally(mass: Tensor, weights: Sequence[float]) -> tuple[Tensor, float]:
    """Returns the labels (B,), in any order, that come nearest to each class's mass, and their squared error.

    `mass` (classes,) is the total weight of each class's pictures in the update, and `weights` (B,) the weight of each
    picture. There are at most two different weights; pictures in a last, smaller mini-batch have the larger. Dynamic
    programming over the classes finds by least squares how many pictures of each weight a class has. If several answers
    are equally near, such as two halves and three thirds, one of them is returned. A mass that is not finite is 0.
    """
    light, heavy = min(weights), max(weights)
    many = list(weights).count(light)
    few = len(weights) - many
    options = [(i, j) for i in range(many + 1) for j in range(few + 1)]  # light and heavy pictures of one class
    cost = np.full((many + 1, few + 1), np.inf)  # by light and heavy pictures of the classes so far
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
    """Returns the smallest cost (many + 1, few + 1) after one more class, and the option that reaches it.

    Both are by the number of light and heavy pictures so far; `added` is the cost of each option for the new class.
    """
    tried = np.full((len(options), *cost.shape), np.inf)  # (options, many + 1, few + 1)
    for number, (i, j) in enumerate(options):
        tried[number, i:, j:] = cost[: cost.shape[0] - i, : cost.shape[1] - j] + added[number]
    return tried.min(0), tried.argmin(0)
