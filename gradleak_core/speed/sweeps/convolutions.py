"""Convolutions in the four sweeps, each in the form that is quickest for its input and its number of restarts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gradleak_core.speed.sweeps.layers import AppliedLayer, channels_last
from gradleak_core.speed.unfolding import small

BLOCK = 16
"""Channels of a group that oneDNN takes at once (fewer by four). Up to these it is quick with strided gradients."""
FEW = 4
"""Number of small images up to which a convolution with kernels over 3 × 3 is a product with patches."""
NATIVE_GRAD_FROM = 2**16
"""Entries of one image from which PyTorch's gradient of the weights is as fast as oneDNN's product with patches."""
THIN_CHANNELS = 8
"""Channels below which a convolution is a product with patches: groups of three channels are slow in oneDNN."""


@dataclass(frozen=True)
class Kernel:
    """A convolution's weights (out, C, height, width) and how they are applied."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    layouts: dict[tuple[str, Sequence[int]], Tensor] = field(default_factory=dict)
    """The weights as laid out so far: by operation and shape of its input, or repeated for a number of restarts."""

    @cached_property
    def flat(self) -> Tensor:
        return self.weight.flatten(1)  # (out, C · kernel)

    def windows(self, x: Tensor) -> Tensor:
        """Returns the windows of x (N, C, H, W) under the kernel: (N, C, rows, columns, height, width)."""
        (down, across), (height, width) = self.padding, self.weight.shape[2:]
        x = F.pad(x, (across, across, down, down))
        return x.unfold(2, height, self.stride[0]).unfold(3, width, self.stride[1])

    def patches(self, x: Tensor) -> Tensor:
        """Returns the windows as columns (N, C · kernel, places), five times as fast as PyTorch's `F.unfold`."""
        return self.windows(x).permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)

    def fold(self, patches: Tensor, sides: tuple[int, ...]) -> Tensor:
        """Returns the transpose of `patches` applied to (N, C · kernel, places): images (N, C, H, W) of these sides."""
        return F.fold(patches, sides, self.weight.shape[2:], 1, self.padding, self.stride)

    def pack(self, x: Tensor) -> Tensor:
        """Returns the weights in oneDNN's layout for inputs shaped like x, which each call would else make anew."""
        return self.lay_out("_reorder_convolution_weight", x, (self.padding, self.stride, (1, 1)))

    def pack_transposed(self, cotangent: Tensor, rest: Sequence[int]) -> Tensor:
        """Returns the weights in oneDNN's layout for the transposed convolution of gradients shaped like `cotangent`.

        The output padding `rest` makes up for what rounding has cut off the input's sides.
        """
        how = (self.padding, rest, self.stride, (1, 1))
        return self.lay_out("_reorder_convolution_transpose_weight", cotangent, how)

    def repeat(self, restarts: int) -> Tensor:
        """Returns the weights as groups (S · out, C, height, width), the same for each restart, in whole blocks."""
        key = ("repeated", (restarts,))
        if key not in self.layouts:
            self.layouts[key] = fill_block(fill_block(self.weight, 0), 1).repeat(restarts, 1, 1, 1)
        return self.layouts[key]

    def lay_out(self, name: str, x: Tensor, how: Sequence[Any]) -> Tensor:
        """Returns the weights as this operation of oneDNN lays them out for inputs shaped like x, made once."""
        if (name, x.shape) not in self.layouts:
            weight = channels_last(self.weight)
            if with_mkldnn(x):
                weight = getattr(torch.ops.mkldnn, name)(weight, *how, 1, x.shape)
            self.layouts[name, x.shape] = weight
        return self.layouts[name, x.shape]

    def __call__(self, x: Tensor, restarts: int) -> AppliedLayer:
        cpu, large, thin = x.device.type == "cpu", max(self.weight.shape[2:]) > 3, x.shape[1] < THIN_CHANNELS
        if small(x, self.weight, FEW):
            return Unfolded(self, x, restarts)
        if cpu and restarts == 1 and not (large and thin):
            return (Thin if thin and len(x) == 1 and x.numel() < NATIVE_GRAD_FROM else Convolution)(self, x)
        return (Unfolded if thin else Grouped)(self, x, restarts)


def with_mkldnn(x: Tensor) -> bool:
    """Returns whether oneDNN computes in the number format of x here."""
    return x.dtype == torch.float32 and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class Convolution(AppliedLayer):
    """The convolution of one restart on a CPU: channels-last, by oneDNN even where PyTorch would do without it."""

    def __init__(self, kernel: Kernel, x: Tensor) -> None:
        self.kernel, self.x = kernel, channels_last(x)
        self.packed = kernel.pack(x)
        self.y = self.convolve(self.x, self.packed, kernel.bias)  # (B, out, rows, columns)
        sizes = zip(x.shape[2:], self.y.shape[2:], kernel.weight.shape[2:], kernel.stride, kernel.padding, strict=True)
        self.rest = [side - (out - 1) * stride - size + 2 * edge for side, out, size, stride, edge in sizes]

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Returns the outputs (B, out, rows, columns) for x (B, C, H, W)."""
        kernel = self.kernel
        if with_mkldnn(x):
            how: Any = (kernel.padding, kernel.stride, (1, 1), 1, "none", [], "")
            found: Tensor = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *how)
            return found
        return F.conv2d(x, weight, bias, kernel.stride, kernel.padding)

    def input_cotangent(self, cotangent: Tensor, weight: Tensor) -> Tensor:
        """Returns the gradient of the input (B, C, H, W) for that of the outputs (B, out, rows, columns)."""
        kernel = self.kernel
        if with_mkldnn(cotangent):
            how: Any = (kernel.padding, self.rest, kernel.stride, (1, 1), 1, "none", [], "")
            found: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(cotangent, weight, None, *how)
            return found
        return F.conv_transpose2d(cotangent, weight, None, kernel.stride, kernel.padding, self.rest)

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.cotangent = channels_last(cotangent)  # (B, out, rows, columns)
        self.transposed = self.kernel.pack_transposed(cotangent, self.rest)
        input_cotangent = self.input_cotangent(self.cotangent, self.transposed) if input_grad else None
        bias = () if self.kernel.bias is None else (self.cotangent.sum((0, 2, 3))[None],)  # (1, out)
        return input_cotangent, (self.weight_grad()[None], *bias)

    def weight_grad(self) -> Tensor:
        """Returns the gradient of the weights (out, C, height, width)."""
        if len(self.x) > 1 or self.x.numel() >= NATIVE_GRAD_FROM:
            return convolution_gradients(self.kernel, self.cotangent, self.x, self.kernel.weight, 1, (False, True))[1]
        seen = self.kernel.windows(self.x).permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(0, 2)  # (places, kernel · C)
        out, channels, *sides = self.kernel.weight.shape
        return product(self.cotangent[0].flatten(1), seen.mT).view(out, *sides, channels).permute(0, 3, 1, 2)

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = channels_last(v[0][0])  # (out, C, height, width)
        y = self.convolve(self.x, self.v, v[1][0] if len(v) > 1 else None)  # (B, out, rows, columns)
        return y if tangent is None else y + self.convolve(channels_last(tangent), self.packed)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        own = self.input_cotangent(self.cotangent, self.v)  # (B, C, H, W)
        return own + self.input_cotangent(channels_last(cotangent_tangent), self.transposed)


class Thin(Convolution):
    """The convolution of one small image with few channels, which oneDNN would fill up with zeros in its gradients."""

    def weight_grad(self) -> Tensor:
        seen = self.kernel.patches(self.x.contiguous())[0]  # (C · kernel, places)
        return (seen @ self.cotangent[0].flatten(1).mT).mT.reshape(self.kernel.weight.shape)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        weights = torch.cat([self.v, self.kernel.weight]).flatten(1)  # (2 · out, C · kernel)
        cotangents = torch.cat([self.cotangent, channels_last(cotangent_tangent)], 1)[0].flatten(1)  # (2 · out, places)
        return self.kernel.fold((weights.mT @ cotangents)[None], self.x.shape[2:])


def product(a: Tensor, b: Tensor) -> Tensor:
    """Returns a bᵀ (m, n) of a (m, k) and b (n, k), by oneDNN where it can: on some processors twice as fast."""
    if not with_mkldnn(a):
        return a @ b.mT
    found: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
    return found


class Grouped(AppliedLayer):
    """A convolution of several restarts as one grouped convolution, so that each restart can have its own weights."""

    def __init__(self, kernel: Kernel, x: Tensor, restarts: int) -> None:
        self.kernel, self.x, self.restarts = kernel, x, restarts
        self.y = self.convolve(x, kernel.weight, kernel.bias)  # (S · B, out, rows, columns)

    def to_groups(self, x: Tensor) -> Tensor:
        """Returns x (S · B, C, H, W) as (B, S · C, H, W), C filled up to whole blocks."""
        x = fill_block(x, 1)
        return x.view(self.restarts, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)

    def to_rows(self, x: Tensor, channels: int) -> Tensor:
        """Returns groups (B, S · C, H, W) as (S · B, channels, H, W), without what filled the channels up."""
        x = x.view(len(x), self.restarts, -1, *x.shape[2:])
        return x[:, :, :channels].transpose(0, 1).flatten(0, 1)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1) -> Tensor:
        """Returns the outputs for x: (S · B, out, rows, columns), or (B, S · out, rows, columns) in S groups."""
        return F.conv2d(x, weight, bias, self.kernel.stride, self.kernel.padding, groups=groups)

    def grouped_cotangent(self, cotangent: Tensor, weight: Tensor) -> Tensor:
        """Returns the gradient of the input (S · B, C, H, W) for that of grouped outputs (B, S · out, ...).

        Each restart has its own of the weights (S · out, C, height, width).
        """
        input_cotangent, _ = convolution_gradients(
            self.kernel, cotangent, self.seen, weight, self.restarts, (True, False)
        )
        return self.to_rows(input_cotangent, self.x.shape[1])

    def input_cotangent(self, cotangent: Tensor) -> Tensor:
        """Returns the gradient of inputs (S · B, C, H, W) for that of outputs (S · B, out, ...) by shared weights."""
        kernel = self.kernel
        if cotangent.device.type == "cpu" and max(kernel.stride) > 1 and len(kernel.weight) <= BLOCK:
            return self.grouped_cotangent(self.to_groups(cotangent), kernel.repeat(self.restarts))
        return convolution_gradients(kernel, cotangent, self.x, kernel.weight, 1, (True, False))[0]

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        (out, channels, *sides), restarts = self.kernel.weight.shape, self.restarts
        self.cotangent = self.to_groups(cotangent)  # (B, S · out, rows, columns)
        self.seen = self.to_groups(self.x)  # (B, S · C, H, W)
        input_cotangent = self.input_cotangent(cotangent) if input_grad else None
        size = self.cotangent.shape[1], self.seen.shape[1] // restarts, *sides  # of the weights, all values unread
        shaped = cotangent.new_empty(size)
        grad = convolution_gradients(self.kernel, self.cotangent, self.seen, shaped, restarts, (False, True))[1]
        bias = () if self.kernel.bias is None else (cotangent.view(restarts, -1, *cotangent.shape[1:]).sum((1, 3, 4)),)
        grad = grad.view(restarts, -1, *grad.shape[1:])[:, :out, :channels]  # (S, out, C, height, width)
        return input_cotangent, (grad, *bias)

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = fill_block(fill_block(v[0], 1), 2).flatten(0, 1)  # (S · out, C, height, width)
        bias = fill_block(v[1], 1).flatten() if len(v) > 1 else None  # (S · out,)
        y = self.to_rows(self.convolve(self.seen, self.v, bias, self.restarts), len(self.kernel.weight))
        return y if tangent is None else y + self.convolve(tangent, self.kernel.weight)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        return self.grouped_cotangent(self.cotangent, self.v) + self.input_cotangent(cotangent_tangent)


def fill_block(x: Tensor, dim: int) -> Tensor:
    """Returns x with zeros appended along a dimension up to whole blocks; on a GPU, x as it is."""
    missing = -x.shape[dim] % BLOCK if x.device.type == "cpu" else 0
    return F.pad(x, (0, 0) * (x.dim() - 1 - dim) + (0, missing)) if missing else x


def convolution_gradients(
    kernel: Kernel, cotangent: Tensor, x: Tensor, weight: Tensor, groups: int, wanted: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Returns the gradients of a convolution with respect to its input and its weights; `wanted` says which."""
    how = (kernel.stride, kernel.padding, (1, 1), False, (0, 0), groups, (*wanted, False))
    input_cotangent, grad, _ = torch.ops.aten.convolution_backward(cotangent, x, weight, None, *how)
    return input_cotangent, grad


class Unfolded(AppliedLayer):
    """A convolution as a product with the patches of its input; faster for few channels, and for one small image."""

    def __init__(self, kernel: Kernel, x: Tensor, restarts: int) -> None:
        self.kernel, self.size, self.restarts = kernel, x.shape, restarts
        self.weight = kernel.flat.expand(x.size(0), -1, -1)  # (S · B, out, C · kernel)
        self.patches = kernel.patches(x)  # (S · B, C · kernel, places)
        bias = kernel.bias
        y = self.weight @ self.patches if bias is None else torch.baddbmm(bias[:, None], self.weight, self.patches)
        rows = (x.shape[2] + 2 * kernel.padding[0] - kernel.weight.shape[2]) // kernel.stride[0] + 1
        self.y = y.view(*y.shape[:2], rows, -1)  # (S · B, out, rows, columns)

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.cotangent = cotangent.flatten(2)  # (S · B, out, places)
        input_cotangent = self.kernel.fold(self.weight.mT @ self.cotangent, self.size[2:]) if input_grad else None
        bias = () if self.kernel.bias is None else (self.sum_images(self.cotangent.sum(2)),)  # (S, out)
        return input_cotangent, (self.sum_images(self.cotangent @ self.patches.mT), *bias)  # (S, out, C · kernel)

    def sum_images(self, grads: Tensor) -> Tensor:
        """Returns the sum (S, ...) of gradients (S · B, ...) over the images of each restart."""
        return grads if grads.size(0) == self.restarts else grads.view(self.restarts, -1, *grads.shape[1:]).sum(1)

    def per_image(self, v: Tensor) -> Tensor:
        """Returns v (S, ...) repeated for each image of a restart (S · B, ...)."""
        batch = self.size[0] // self.restarts
        return v if batch == 1 else v.repeat_interleave(batch, 0)

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = self.per_image(v[0].flatten(2))  # (S · B, out, C · kernel)
        bias = self.per_image(v[1])[:, :, None] if len(v) > 1 else None  # (S · B, out, 1)
        y = self.v @ self.patches if bias is None else torch.baddbmm(bias, self.v, self.patches)
        if tangent is not None:
            y = torch.baddbmm(y, self.weight, self.kernel.patches(tangent))
        return y.view_as(self.y)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        weights = torch.cat([self.v, self.weight], 1)  # (S · B, 2 · out, C · kernel)
        cotangents = torch.cat([self.cotangent, cotangent_tangent.flatten(2)], 1)  # (S · B, 2 · out, places)
        return self.kernel.fold(weights.mT @ cotangents, self.size[2:])
