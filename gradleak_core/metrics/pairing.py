"""Pairing guesses with private images, since an attack returns a batch in any order."""

from __future__ import annotations

import torch
from torch import Tensor


def visible(images: Tensor) -> Tensor:
    """Returns images as they are shown, paired and scored: on the CPU, in [0, 1], with 0 for non-finite pixels."""
    return images.detach().cpu().float().nan_to_num(0, 0, 0).clamp(0, 1)


def pair(guess: Tensor, truth: Tensor) -> Tensor:
    """Returns the order (B,) in which the guess (B, C, H, W) is nearest to the truth (B, C, H, W).

    `visible(guess)[order]` has the smallest total squared error, by the Hungarian method.
    """
    if len(truth) == 1:
        return torch.zeros(1, dtype=torch.long)
    from scipy.optimize import linear_sum_assignment  # takes a second, which a run of one image is spared

    a, b = truth.detach().cpu().flatten(1), visible(guess).flatten(1)
    cost = (a.unsqueeze(1) - b.unsqueeze(0)).square().mean(2)  # (B truth, B guess)
    return torch.as_tensor(linear_sum_assignment(cost.numpy())[1])
