"""Convolutions in the four sweeps, in the form that is quickest for what they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gradleak_core.speed.sweeps.layers import Applied, channels_last
from gradleak_core.speed.unfolding import small

BLOCK = 16
"""Channels of a group that oneDNN takes at once (fewer by four), and up to which it is quick with strided slopes."""
FEW = 4
"""Images, if small, up to which kernels over 3 × 3 are products of patches."""
NATIVE_GRAD_FROM = 2**16
"""Entries of one image from which PyTorch's gradient in the weights is as fast as a product of patches by oneDNN."""
THIN_CHANNELS = 8
"""Channels below which convolutions are products of patches: groups of three channels are slow in oneDNN."""


@dataclass(frozen=True)
class Kernel:
    """A convolution's weights (out, C, height, width) and how they are applied."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    kept: dict[tuple[str, Sequence[int]], Tensor] = field(default_factory=dict)
    """Its weights as they were laid out for inputs of a shape, or repeated for a number of restarts."""

    @cached_property
    def flat(self) -> Tensor:
        return self.weight.flatten(1)  # (out, C · kernel)

    def windows(self, x: Tensor) -> Tensor:
        """What the weights see of x (N, C, H, W), place by place: (N, C, rows, columns, height, width)."""
        (down, across), (height, width) = self.padding, self.weight.shape[2:]
        x = F.pad(x, (across, across, down, down))
        return x.unfold(2, height, self.stride[0]).unfold(3, width, self.stride[1])

    def patches(self, x: Tensor) -> Tensor:
        """The same as (N, C · kernel, places), five times as fast as by `torch.nn.functional.unfold`."""
        return self.windows(x).permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)

    def fold(self, patches: Tensor, sides: tuple[int, ...]) -> Tensor:
        """The transpose of `patches`, for an input of these sides."""
        return F.fold(patches, sides, self.weight.shape[2:], 1, self.padding, self.stride)

    def packed(self, x: Tensor) -> Tensor:
        """The weights as oneDNN lays them out for inputs like x, which it else does at every call."""
        return self.once("_reorder_convolution_weight", x, (self.padding, self.stride, (1, 1)))

    def packed_back(self, slope: Tensor, rest: Sequence[int]) -> Tensor:
        """Likewise, for taking slopes like this one back; `rest` is what rounding has cut off the input's sides."""
        return self.once("_reorder_convolution_transpose_weight", slope, (self.padding, rest, self.stride, (1, 1)))

    def repeated(self, restarts: int) -> Tensor:
        """The weights as groups, the same for each restart."""
        key = ("repeated", (restarts,))
        if key not in self.kept:
            self.kept[key] = filled(filled(self.weight, 0), 1).repeat(restarts, 1, 1, 1)
        return self.kept[key]

    def once(self, name: str, x: Tensor, how: Sequence[Any]) -> Tensor:
        if (name, x.shape) not in self.kept:
            weight = channels_last(self.weight)
            if with_mkldnn(x):
                weight = getattr(torch.ops.mkldnn, name)(weight, *how, 1, x.shape)
            self.kept[name, x.shape] = weight
        return self.kept[name, x.shape]

    def __call__(self, x: Tensor, restarts: int) -> Applied:
        cpu, large, thin = x.device.type == "cpu", max(self.weight.shape[2:]) > 3, x.shape[1] < THIN_CHANNELS
        if small(x, self.weight, FEW):
            return Unfolded(self, x, restarts)
        if cpu and restarts == 1 and not (large and thin):
            return (Thin if thin and len(x) == 1 and x.numel() < NATIVE_GRAD_FROM else Convolution)(self, x)
        return (Unfolded if thin else Grouped)(self, x, restarts)


def with_mkldnn(x: Tensor) -> bool:
    return x.dtype == torch.float32 and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class Convolution(Applied):
    """Of one restart on a CPU, in channels-last, by oneDNN, which PyTorch itself passes over for one small image."""

    def __init__(self, kernel: Kernel, x: Tensor) -> None:
        self.kernel, self.x = kernel, channels_last(x)
        self.packed = kernel.packed(x)
        self.y = self.applied(self.x, self.packed, kernel.bias)
        sizes = zip(x.shape[2:], self.y.shape[2:], kernel.weight.shape[2:], kernel.stride, kernel.padding, strict=True)
        self.rest = [side - (out - 1) * stride - size + 2 * edge for side, out, size, stride, edge in sizes]

    def applied(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        kernel = self.kernel
        if with_mkldnn(x):
            how: Any = (kernel.padding, kernel.stride, (1, 1), 1, "none", [], "")
            found: Tensor = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *how)
            return found
        return F.conv2d(x, weight, bias, kernel.stride, kernel.padding)

    def slope_in(self, slope: Tensor, weight: Tensor) -> Tensor:
        kernel = self.kernel
        if with_mkldnn(slope):
            how: Any = (kernel.padding, self.rest, kernel.stride, (1, 1), 1, "none", [], "")
            found: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(slope, weight, None, *how)
            return found
        return F.conv_transpose2d(slope, weight, None, kernel.stride, kernel.padding, self.rest)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = channels_last(slope)
        self.packed_back = self.kernel.packed_back(slope, self.rest)
        before = self.slope_in(self.slope, self.packed_back) if through else None
        bias = () if self.kernel.bias is None else (self.slope.sum((0, 2, 3))[None],)
        grad = self.grad()
        return before, (grad[None], *bias)

    def grad(self) -> Tensor:
        """In the weights (out, C, height, width)."""
        if len(self.x) > 1 or self.x.numel() >= NATIVE_GRAD_FROM:
            return slopes(self.kernel, self.slope, self.x, self.kernel.weight, 1, (False, True))[1]
        seen = self.kernel.windows(self.x).permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(0, 2)  # (places, kernel · C)
        out, channels, *sides = self.kernel.weight.shape
        return product(self.slope[0].flatten(1), seen.mT).view(out, *sides, channels).permute(0, 3, 1, 2)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = channels_last(v[0][0])
        y = self.applied(self.x, self.v, v[1][0] if len(v) > 1 else None)
        return y if moved is None else y + self.applied(channels_last(moved), self.packed)

    def turned(self, slope: Tensor) -> Tensor:
        return self.slope_in(self.slope, self.v) + self.slope_in(channels_last(slope), self.packed_back)


class Thin(Convolution):
    """Of one small image with few channels, which oneDNN would fill up with zeros on the way back."""

    def grad(self) -> Tensor:
        seen = self.kernel.patches(self.x.contiguous())[0]  # (C · kernel, places)
        return (seen @ self.slope[0].flatten(1).mT).mT.reshape(self.kernel.weight.shape)

    def turned(self, slope: Tensor) -> Tensor:
        weights = torch.cat([self.v, self.kernel.weight]).flatten(1)  # (2 · out, C · kernel)
        slopes = torch.cat([self.slope, channels_last(slope)], 1)[0].flatten(1)  # (2 · out, places)
        return self.kernel.fold((weights.mT @ slopes)[None], self.x.shape[2:])


def product(a: Tensor, b: Tensor) -> Tensor:
    """a bᵀ, by oneDNN, which on some processors multiplies twice as fast as what PyTorch takes."""
    if not with_mkldnn(a):
        return a @ b.mT
    found: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
    return found


class Grouped(Applied):
    """Of restarts, each with weights of its own where these differ: groups of one convolution."""

    def __init__(self, kernel: Kernel, x: Tensor, restarts: int) -> None:
        self.kernel, self.x, self.restarts = kernel, x, restarts
        self.y = self.applied(x, kernel.weight, kernel.bias)

    def grouped(self, x: Tensor) -> Tensor:
        """(S · B, C, H, W) as (B, S · C, H, W), with channels filled up."""
        x = filled(x, 1)
        return x.view(self.restarts, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)

    def rows(self, x: Tensor, channels: int) -> Tensor:
        """The way back, without what filled the channels up."""
        x = x.view(len(x), self.restarts, -1, *x.shape[2:])
        return x[:, :, :channels].transpose(0, 1).flatten(0, 1)

    def applied(self, x: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1) -> Tensor:
        return F.conv2d(x, weight, bias, self.kernel.stride, self.kernel.padding, groups=groups)

    def own_in(self, slope: Tensor, weight: Tensor) -> Tensor:
        """The input's slope from that of grouped outputs, by weights (S · out, C, ...) of each restart."""
        before, _ = slopes(self.kernel, slope, self.seen, weight, self.restarts, (True, False))
        return self.rows(before, self.x.shape[1])

    def slope_in(self, slope: Tensor) -> Tensor:
        """The same from (S · B, out, ...) by the network's own weights."""
        kernel = self.kernel
        if slope.device.type == "cpu" and max(kernel.stride) > 1 and len(kernel.weight) <= BLOCK:
            return self.own_in(self.grouped(slope), kernel.repeated(self.restarts))
        return slopes(kernel, slope, self.x, kernel.weight, 1, (True, False))[0]

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        (out, channels, *sides), restarts = self.kernel.weight.shape, self.restarts
        self.slope, self.seen = self.grouped(slope), self.grouped(self.x)
        before = self.slope_in(slope) if through else None
        like = slope.new_empty(
            self.slope.shape[1], self.seen.shape[1] // restarts, *sides
        )  # only its shape is looked at
        grad = slopes(self.kernel, self.slope, self.seen, like, restarts, (False, True))[1]
        bias = () if self.kernel.bias is None else (slope.view(restarts, -1, *slope.shape[1:]).sum((1, 3, 4)),)
        return before, (grad.view(restarts, -1, *grad.shape[1:])[:, :out, :channels], *bias)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = filled(filled(v[0], 1), 2).flatten(0, 1)
        bias = filled(v[1], 1).flatten() if len(v) > 1 else None
        y = self.rows(self.applied(self.seen, self.v, bias, self.restarts), len(self.kernel.weight))
        return y if moved is None else y + self.applied(moved, self.kernel.weight)

    def turned(self, slope: Tensor) -> Tensor:
        return self.own_in(self.slope, self.v) + self.slope_in(slope)


def filled(x: Tensor, dim: int) -> Tensor:
    """Zeros after what lies along a dimension, up to whole blocks."""
    missing = -x.shape[dim] % BLOCK if x.device.type == "cpu" else 0
    return F.pad(x, (0, 0) * (x.dim() - 1 - dim) + (0, missing)) if missing else x


def slopes(
    kernel: Kernel, slope: Tensor, x: Tensor, weight: Tensor, groups: int, wanted: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """In the input and in the weights."""
    how = (kernel.stride, kernel.padding, (1, 1), False, (0, 0), groups, (*wanted, False))
    before, grad, _ = torch.ops.aten.convolution_backward(slope, x, weight, None, *how)
    return before, grad


class Unfolded(Applied):
    """A convolution as a product with its patches; faster for few channels, and for one small image."""

    def __init__(self, kernel: Kernel, x: Tensor, restarts: int) -> None:
        self.kernel, self.size, self.restarts = kernel, x.shape, restarts
        self.weight = kernel.flat.expand(x.size(0), -1, -1)  # (S · B, out, C · kernel)
        self.patches = kernel.patches(x)
        bias = kernel.bias
        y = self.weight @ self.patches if bias is None else torch.baddbmm(bias[:, None], self.weight, self.patches)
        rows = (x.shape[2] + 2 * kernel.padding[0] - kernel.weight.shape[2]) // kernel.stride[0] + 1
        self.y = y.view(*y.shape[:2], rows, -1)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = slope.flatten(2)  # (S · B, out, places)
        before = self.kernel.fold(self.weight.mT @ self.slope, self.size[2:]) if through else None
        bias = () if self.kernel.bias is None else (self.sum(self.slope.sum(2)),)
        return before, (self.sum(self.slope @ self.patches.mT), *bias)

    def sum(self, grads: Tensor) -> Tensor:
        """Over the images of each restart."""
        return grads if grads.size(0) == self.restarts else grads.view(self.restarts, -1, *grads.shape[1:]).sum(1)

    def each(self, v: Tensor) -> Tensor:
        """Of each restart (S, ...) for each of its images."""
        batch = self.size[0] // self.restarts
        return v if batch == 1 else v.repeat_interleave(batch, 0)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = self.each(v[0].flatten(2))
        bias = self.each(v[1])[:, :, None] if len(v) > 1 else None
        y = self.v @ self.patches if bias is None else torch.baddbmm(bias, self.v, self.patches)
        if moved is not None:
            y = torch.baddbmm(y, self.weight, self.kernel.patches(moved))
        return y.view_as(self.y)

    def turned(self, slope: Tensor) -> Tensor:
        weights, slopes = torch.cat([self.v, self.weight], 1), torch.cat([self.slope, slope.flatten(2)], 1)
        return self.kernel.fold(weights.mT @ slopes, self.size[2:])
