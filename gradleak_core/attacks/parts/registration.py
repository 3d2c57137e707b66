"""Shifting pictures by whole pixels until they lie on each other."""

from __future__ import annotations

import torch
from torch import Tensor


def align(images: Tensor, onto: Tensor) -> Tensor:
    """Returns images (S, B, C, H, W), each shifted cyclically to where it lies best on `onto` (B, C, H, W).

    This is phase correlation: the inverse Fourier transform of the normalised cross-power spectrum peaks at the shift.
    Kuglin & Hines 1975.
    """
    cross = torch.fft.fft2(onto) * torch.fft.fft2(images).conj()  # (S, B, C, H, W), complex
    peak = torch.fft.ifft2(cross / (cross.abs() + 1e-9)).real.sum(-3)  # (S, B, H, W)
    height, width = peak.shape[-2:]
    places = peak.flatten(-2).argmax(-1, keepdim=True)  # (S, B, 1)
    rows = (torch.arange(height, device=images.device) - places // width) % height  # (S, B, H)
    columns = (torch.arange(width, device=images.device) - places % width) % width  # (S, B, W)
    sources = (rows[..., :, None] * width + columns[..., None, :]).flatten(-2)  # (S, B, HW)
    pixels = images.flatten(-2)  # (S, B, C, HW)
    return pixels.gather(-1, sources[:, :, None].expand_as(pixels)).view_as(images)
