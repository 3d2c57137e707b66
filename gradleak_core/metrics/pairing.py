"""Which guess belongs to which private image: an attack returns a batch in any order."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def pair(guess: Tensor, truth: Tensor) -> Tensor:
    """The order (B,) in which `guess[order]` is nearest to `truth`: least total squared error, by the Hungarian method.

    Both (B, C, H, W) and finite; the order is on the CPU.
    """
    if len(truth) == 1:
        return torch.zeros(1, dtype=torch.long)
    a, b = truth.detach().cpu().flatten(1), guess.detach().cpu().flatten(1)
    cost = (a.unsqueeze(1) - b.unsqueeze(0)).square().mean(2)  # (B truth, B guess)
    return torch.as_tensor(linear_sum_assignment(cost.numpy())[1])
