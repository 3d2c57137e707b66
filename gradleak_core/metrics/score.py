"""The numbers shown beside a guess."""

from __future__ import annotations

from collections import Counter

from torch import Tensor

from gradleak_core.metrics.likeness import likeness
from gradleak_core.metrics.pairing import visible
from gradleak_core.metrics.ssim import compute_ssim

PSNR_CAP = 100.0
"""The largest PSNR, in dB: float32 pixels do not resolve an MSE below 1e-10."""


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
