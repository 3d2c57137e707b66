"""Structural similarity (SSIM), Wang et al. 2004."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

RADIUS = 5
"""The pixels to each side of the middle of the window."""
SIGMA = 1.5
"""The standard deviation of the Gaussian window, in pixels."""
C1, C2 = 0.01**2, 0.03**2
"""What keeps dark and flat windows finite, for pixels from 0 to 1."""


def compute_ssim(guess: Tensor, truth: Tensor) -> npt.NDArray[Any]:
    """Returns the structural similarity of each pair of pictures, (B,) in [-1, 1]: Wang et al. 2004, equation 13.

    Both are (B, C, H, W) in [0, 1] with at least 6 pixels a side. Each channel counts by itself, under a Gaussian
    window of 11 × 11 pixels. The borders are mirrored, so that every pixel has a window.
    """
    x, y = guess.numpy().astype(float), truth.numpy().astype(float)
    down, across = (make_window(side) for side in y.shape[-2:])  # (H, H), (W, W)
    x, y, xx, yy, xy = down @ np.stack((x, y, x * x, y * y, x * y)) @ across.T  # each (B, C, H, W)
    brightness = (2 * x * y + C1) / (x * x + y * y + C1)
    structure = (2 * (xy - x * y) + C2) / (xx - x * x + yy - y * y + C2)
    found: npt.NDArray[Any] = (brightness * structure).mean((1, 2, 3))
    return found


@cache
def make_window(side: int) -> npt.NDArray[Any]:
    """Returns the matrix (side, side) whose row i averages under the window around pixel i, borders mirrored."""
    bell = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
    mirrored = np.pad(np.eye(side), ((RADIUS, RADIUS), (0, 0)), "reflect")  # (side + 10, side)
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, len(bell), axis=0)  # (side, side, 11)
    averaging: npt.NDArray[Any] = windows @ (bell / bell.sum())
    return averaging
