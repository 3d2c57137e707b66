"""Convolutions in the four sweeps, in the form that is quickest for what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from gradleak_core.sweeps.layers import Applied
from gradleak_core.unfolding import small

FEW = 4
"""Images, if small, up to which kernels over 3 × 3 are products of patches."""
THIN = 8
"""Channels below which convolutions are products of patches: groups of three channels are slow in oneDNN."""


@dataclass(frozen=True)
class Kernel:
    """A convolution's weights (out, C, height, width) and how they are applied."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    @cached_property
    def last(self) -> Tensor:
        """The weights in channels-last."""
        return channels_last(self.weight)

    @cached_property
    def turned(self) -> Tensor:
        """The weights (C, out, height, width) that take a slope back through a convolution of stride 1."""
        return channels_last(self.weight.flip(2, 3).transpose(0, 1))

    @cached_property
    def flat(self) -> Tensor:
        return self.weight.flatten(1)  # (out, C · kernel)

    def patches(self, x: Tensor) -> Tensor:
        """Of x (N, C, H, W), as (N, C · kernel, places)."""
        return patches(x, self.weight.shape[2:], self.stride, self.padding)


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def patches(x: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    """As `torch.nn.functional.unfold`, which takes up to five times as long."""
    down, across = padding
    x = F.pad(x, (across, across, down, down)).unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])
    return x.permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)


class Convolution(Applied):
    """Of one seed on a CPU, in channels-last."""

    def __init__(self, kernel: Kernel, x: Tensor, _seeds: int) -> None:
        self.kernel, self.x = kernel, channels_last(x)
        self.y = self.applied(self.x, kernel.last, kernel.bias)

    def applied(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return convolved(x, weight, bias, self.kernel.stride, self.kernel.padding)

    def slope_in(self, slope: Tensor, kernel: Kernel) -> Tensor:
        padding = [side - 1 - edge for side, edge in zip(kernel.weight.shape[2:], kernel.padding, strict=True)]
        if kernel.stride != (1, 1) or min(padding) < 0:
            return slopes(kernel, slope, self.x, kernel.last, 1, (True, False))[0]
        return convolved(slope, kernel.turned, None, (1, 1), padding)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = channels_last(slope)
        before = self.slope_in(self.slope, self.kernel) if through else None
        grad = slopes(self.kernel, self.slope, self.x, self.kernel.last, 1, (False, True))[1]
        bias = () if self.kernel.bias is None else (self.slope.sum((0, 2, 3))[None],)
        return before, (grad[None], *bias)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = replace(self.kernel, weight=v[0][0], bias=v[1][0] if len(v) > 1 else None)
        y = self.applied(self.x, self.v.last, self.v.bias)
        return y if moved is None else y + self.applied(channels_last(moved), self.kernel.last)

    def turned(self, slope: Tensor) -> Tensor:
        return self.slope_in(self.slope, self.v) + self.slope_in(channels_last(slope), self.kernel)


class Grouped(Applied):
    """Of seeds, each with weights of its own where these differ: groups of one convolution."""

    def __init__(self, kernel: Kernel, x: Tensor, seeds: int) -> None:
        self.kernel, self.x, self.seeds = kernel, x, seeds
        self.y = self.applied(x, kernel.weight, kernel.bias)

    def grouped(self, x: Tensor) -> Tensor:
        """(S · B, C, H, W) as (B, S · C, H, W)."""
        return x.view(self.seeds, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)

    def rows(self, x: Tensor) -> Tensor:
        """(B, S · C, H, W) as (S · B, C, H, W)."""
        return x.view(len(x), self.seeds, -1, *x.shape[2:]).transpose(0, 1).flatten(0, 1)

    def applied(self, x: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1) -> Tensor:
        return F.conv2d(x, weight, bias, self.kernel.stride, self.kernel.padding, groups=groups)

    def slope_in(self, slope: Tensor, x: Tensor, weight: Tensor, groups: int = 1) -> Tensor:
        return slopes(self.kernel, slope, x, weight, groups, (True, False))[0]

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope, weight = slope, self.kernel.weight
        before = self.slope_in(slope, self.x, weight) if through else None
        like = weight.new_empty(self.seeds * len(weight), *weight.shape[1:])  # only its shape is looked at
        both = self.grouped(slope), self.grouped(self.x)
        grad = slopes(self.kernel, *both, like, self.seeds, (False, True))[1]
        bias = () if self.kernel.bias is None else (slope.view(self.seeds, -1, *slope.shape[1:]).sum((1, 3, 4)),)
        return before, (grad.view(self.seeds, -1, *grad.shape[1:]), *bias)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v, bias = v[0].flatten(0, 1), v[1].flatten() if len(v) > 1 else None
        y = self.rows(self.applied(self.grouped(self.x), self.v, bias, self.seeds))
        return y if moved is None else y + self.applied(moved, self.kernel.weight)

    def turned(self, slope: Tensor) -> Tensor:
        own = self.slope_in(self.grouped(self.slope), self.grouped(self.x), self.v, self.seeds)
        return self.rows(own) + self.slope_in(slope, self.x, self.kernel.weight)


def convolved(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    """By oneDNN, which PyTorch itself passes over for one small image."""
    if x.dtype != torch.float32 or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return F.conv2d(x, weight, bias, stride, padding)
    found: Tensor = torch.ops.aten.mkldnn_convolution(x, weight, bias, padding, stride, (1, 1), 1)
    return found


def slopes(
    kernel: Kernel, slope: Tensor, x: Tensor, weight: Tensor, groups: int, wanted: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """In the input and in the weights."""
    how = (kernel.stride, kernel.padding, (1, 1), False, (0, 0), groups, (*wanted, False))
    before, grad, _ = torch.ops.aten.convolution_backward(slope, x, weight, None, *how)
    return before, grad


class Unfolded(Applied):
    """A convolution as a product with its patches; faster for few channels, and for one small image."""

    def __init__(self, kernel: Kernel, x: Tensor, seeds: int) -> None:
        self.kernel, self.size, self.seeds = kernel, x.shape, seeds
        self.weight = kernel.flat.expand(x.size(0), -1, -1)  # (S · B, out, C · kernel)
        self.patches = kernel.patches(x)
        bias = kernel.bias
        y = self.weight @ self.patches if bias is None else torch.baddbmm(bias[:, None], self.weight, self.patches)
        rows = (x.shape[2] + 2 * kernel.padding[0] - kernel.weight.shape[2]) // kernel.stride[0] + 1
        self.y = y.view(*y.shape[:2], rows, -1)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = slope.flatten(2)  # (S · B, out, places)
        before = self.fold(self.weight.mT @ self.slope) if through else None
        bias = () if self.kernel.bias is None else (self.sum(self.slope.sum(2)),)
        return before, (self.sum(self.slope @ self.patches.mT), *bias)

    def sum(self, grads: Tensor) -> Tensor:
        """Over the images of each seed."""
        return grads if grads.size(0) == self.seeds else grads.view(self.seeds, -1, *grads.shape[1:]).sum(1)

    def each(self, v: Tensor) -> Tensor:
        """Of each seed (S, ...) for each of its images."""
        batch = self.size[0] // self.seeds
        return v if batch == 1 else v.repeat_interleave(batch, 0)

    def fold(self, patches: Tensor) -> Tensor:
        kernel = self.kernel
        return F.fold(patches, self.size[2:], kernel.weight.shape[2:], 1, kernel.padding, kernel.stride)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = self.each(v[0].flatten(2))
        bias = self.each(v[1])[:, :, None] if len(v) > 1 else None
        y = self.v @ self.patches if bias is None else torch.baddbmm(bias, self.v, self.patches)
        if moved is not None:
            y = torch.baddbmm(y, self.weight, self.kernel.patches(moved))
        return y.view_as(self.y)

    def turned(self, slope: Tensor) -> Tensor:
        weights, slopes = torch.cat([self.v, self.weight], 1), torch.cat([self.slope, slope.flatten(2)], 1)
        return self.fold(weights.mT @ slopes)


def convolution(kernel: Kernel, x: Tensor, seeds: int) -> Applied:
    cpu, large, thin = x.device.type == "cpu", max(kernel.weight.shape[2:]) > 3, x.shape[1] < THIN
    if small(x, kernel.weight, FEW):
        return Unfolded(kernel, x, seeds)
    if cpu and seeds == 1 and not (large and thin):
        return Convolution(kernel, x, seeds)
    return (Unfolded if thin else Grouped)(kernel, x, seeds)
