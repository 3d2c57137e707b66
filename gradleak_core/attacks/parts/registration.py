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
    height, width = peak.shape[-2:]
    places = peak.flatten(-2).argmax(-1, keepdim=True)  # (S, B, 1)
    rows = (torch.arange(height, device=images.device) - places // width) % height  # (S, B, H)
    columns = (torch.arange(width, device=images.device) - places % width) % width  # (S, B, W)
    sources = (rows[..., :, None] * width + columns[..., None, :]).flatten(-2)  # (S, B, HW)
    pixels = images.flatten(-2)  # (S, B, C, HW)
    return pixels.gather(-1, sources[:, :, None].expand_as(pixels)).view_as(images)
