"""Shifting pictures onto each other by whole pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def aligned(images: Tensor, onto: Tensor) -> Tensor:
    """Images (S, B, C, H, W), each shifted cyclically to lie best on `onto` (B, C, H, W), by phase correlation.

    Kuglin & Hines 1975: the inverse transform of the normalised cross-power spectrum peaks at the shift.
    """
    cross = torch.fft.fft2(onto) * torch.fft.fft2(images).conj()
    peak = torch.fft.ifft2(cross / (cross.abs() + 1e-9)).real.sum(-3)  # (S, B, H, W)
    width = peak.shape[-1]
    places = peak.flatten(-2).argmax(-1)  # (S, B)
    out = torch.empty_like(images)
    for s in range(places.shape[0]):
        for b in range(places.shape[1]):
            down, right = divmod(int(places[s, b]), width)
            out[s, b] = images[s, b].roll((down, right), (-2, -1))
    return out
