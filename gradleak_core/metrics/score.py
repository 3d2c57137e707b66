"""The numbers shown beside a guess."""

from __future__ import annotations

from collections import Counter

from torch import Tensor

from gradleak_core.metrics.pairing import visible

PSNR_CAP = 100.0
"""dB; an MSE below 1e-10 is below what float32 pixels resolve."""


def score(guess: Tensor, truth: Tensor, guessed_labels: Tensor, labels: Tensor, distance: float) -> dict[str, float]:
    """Returns every metric of `METRICS`, the mean over the batch.

    `guess` and `truth` are (B, C, H, W) with at least 6 pixels a side, in one order, which `pair` finds; labels (B,)
    are class numbers in any order. The guess counts as it is visible: clamped to [0, 1], non-finite pixels as 0.
    """
    # takes a second, which is spared to whoever asks for no score
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    guess, truth = visible(guess), truth.detach().cpu().float()
    mse = (guess - truth).square().mean((1, 2, 3))
    psnr = peak_signal_noise_ratio(guess, truth, data_range=1.0, reduction="none", dim=(1, 2, 3))
    ssim = structural_similarity_index_measure(guess, truth, data_range=1.0)
    found = Counter(guessed_labels.tolist()) & Counter(labels.tolist())
    return {
        "mse": mse.mean().item(),
        "rmse": mse.sqrt().mean().item(),
        "psnr": psnr.clamp(max=PSNR_CAP).mean().item(),
        "ssim": float(ssim),  # type: ignore[arg-type]
        "label_accuracy": found.total() / len(labels),
        "distance": distance,
    }
