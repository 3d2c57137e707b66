"""Measures of how near a guess came to the truth, defined in `docs/metrics.md` and computed outside the attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradleak_core.metrics.score import score
from gradleak_core.verdicts import SEEN

__all__ = ["METRICS", "Metric", "score"]


@dataclass(frozen=True)
class Metric:
    """The texts beside one number of `score`, and which direction is better."""

    title: str
    doc: str
    better: Literal["higher", "lower"]
    unit: str = ""


LEVELS = ", ".join(f"{word} from {least:g}" if least else word for word, least in SEEN.items())
METRICS: dict[str, Metric] = {
    "mse": Metric("MSE", "Mean squared difference over all pixels and channels.", "lower"),
    "rmse": Metric("RMSE", "Square root of the MSE: the typical error of one pixel.", "lower"),
    "psnr": Metric("PSNR", "-10 log10(MSE), at most 100 dB.", "higher", "dB"),
    "ssim": Metric("SSIM", "Structural similarity, 1 for equal images.", "higher"),
    "likeness": Metric("Likeness", f"How much of the picture a person sees, 0 to 1: {LEVELS}.", "higher"),
    "label_accuracy": Metric("Label accuracy", "Share of the true labels found, in any order.", "higher"),
    "distance": Metric(
        "Distance", "How far the guess's update is from the observed one; the attack makes this small.", "lower"
    ),
}
