"""The numbers beside a guess, and its pairing with the private pictures: an attack returns a batch in any order."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from gradleak_core.metrics.likeness import likeness
from gradleak_core.metrics.ssim import compute_ssim

PSNR_CAP = 100.0
"""The largest PSNR, in dB: float32 pixels do not resolve an MSE below 1e-10."""


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


def score(guess: Tensor, truth: Tensor, guessed_labels: Tensor, labels: Tensor, distance: float) -> dict[str, float]:
    """Returns every metric of `METRICS` by name, as the mean over the batch.

    `guess` and `truth` are (B, C, H, W) with at least 6 pixels a side, in the same order, which `pair` finds. Both
    labels (B,) are class numbers in any order. The guess is scored as `visible` shows it.
    """
    guess, truth = visible(guess), truth.detach().cpu().float()
    mse = (guess - truth).square().mean((1, 2, 3))
    psnr = -10 * mse.clamp(min=10 ** (-PSNR_CAP / 10)).log10()
    found = Counter(guessed_labels.tolist()) & Counter(labels.tolist())
    return {
        "mse": mse.mean().item(),
        "rmse": mse.sqrt().mean().item(),
        "psnr": psnr.mean().item(),
        "ssim": float(compute_ssim(guess, truth).mean()),
        "likeness": float(likeness(guess, truth).mean()),
        "label_accuracy": found.total() / len(labels),
        "distance": distance,
    }
