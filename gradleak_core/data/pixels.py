"""Converts pictures to tensors in [0, 1] and back."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from gradleak_core.types import Refused

MODES = {1: "L", 3: "RGB"}
LOSSLESS = 64
"""The largest side, in pixels, that `to_strip` encodes without loss."""


def to_tensor(picture: bytes | Image.Image, size: int, channels: int) -> Tensor:
    """Returns the largest centred square of a picture, scaled to `size` pixels: (1, C, size, size) in [0, 1].

    `picture` is an encoded picture that has been checked before, or an image. Raises `Refused` unless C is 1 or 3.
    """
    if channels not in MODES:
        raise Refused(f"An image has 1 or 3 channels, not {channels}.")
    image = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
    square = ImageOps.fit(image.convert(MODES[channels]), (size, size), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(square)).reshape(size, size, channels)
    return pixels.permute(2, 0, 1)[None].float() / 255  # (1, C, H, W)


def to_png(images: Tensor) -> bytes:
    """Returns images (B, C, H, W), C of 1 or 3, stacked top to bottom as one PNG. Values are clamped to [0, 1]."""
    return _encode(images, "PNG", compress_level=1)


def to_strip(images: Tensor) -> bytes:
    """Returns images (B, C, H, W) stacked top to bottom as a PNG, or as a lossy WebP above 64 pixels a side."""
    if max(images.shape[-2:]) <= LOSSLESS:
        return to_png(images)
    return _encode(images, "WEBP", quality=90, method=0)


def to_small(images: Tensor) -> bytes:
    """Returns images (B, C, H, W) stacked top to bottom as a lossy WebP of about a kilobyte for each 32 × 32."""
    return _encode(images, "WEBP", quality=85, method=6)


def from_strip(data: bytes, batch: int) -> Tensor:
    """Returns the images (B, C, H, W) in [0, 1] of a stack. A PNG is exact to 1/255; a WebP has three channels."""
    image = Image.open(io.BytesIO(data))
    pixels = torch.from_numpy(np.array(image))
    stacked = pixels.reshape(batch, image.height // batch, image.width, len(image.getbands()))
    return stacked.permute(0, 3, 1, 2).float() / 255


def _encode(images: Tensor, form: str, **options: int) -> bytes:
    channels, width = images.shape[1], images.shape[3]
    pixels = images.detach().nan_to_num(0, 1, 0).clamp(0, 1).mul(255).round().to(torch.uint8)
    stacked = pixels.permute(0, 2, 3, 1).reshape(-1, width, channels).cpu().numpy()
    encoded = io.BytesIO()
    Image.fromarray(stacked[..., 0] if channels == 1 else stacked).save(encoded, form, **options)
    return encoded.getvalue()
