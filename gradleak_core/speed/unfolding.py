"""Small convolutions as matrix products.

For one image on the CPU, PyTorch gives kernels larger than 3 × 3 to oneDNN, whose calls take longer than the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

Pair = tuple[int, int]
SMALL = 20_000
"""Entries of an input up to which it is faster to unfold it."""


class Unfolding(TorchFunctionMode):
    """A mode in which small convolutions are matrix products with their patches."""

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if function is F.conv2d and not kwargs and len(args) == 7 and small(*args[:2]):
            *_, padding, _, groups = args
            if groups == 1 and not isinstance(padding, str):
                return unfolded(*args)
        return function(*args, **(kwargs or {}))


def small(x: Tensor, weight: Tensor, images: int = 1) -> bool:
    """Returns whether x (B, C, H, W), at most so many `images`, is faster unfolded for a weight (out, C, ...)."""
    return x.size(0) <= images and x.numel() <= SMALL and not x.is_cuda and max(weight.shape[2:]) > 3


def unfolded(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair, _groups: int
) -> Tensor:
    """Returns the convolution (B, out, rows, columns) of x (B, C, H, W) with weights (out, C, height, width)."""
    kernel = weight.shape[2:]
    patches = F.unfold(x, kernel, dilation, padding, stride)  # (B, C · kernel, places)
    height = (x.shape[2] + 2 * padding[0] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
    y = (weight.flatten(1) @ patches).view(len(x), len(weight), height, -1)  # (B, out, rows, columns)
    return y if bias is None else y + bias[:, None, None]
