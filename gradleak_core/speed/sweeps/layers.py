"""What each kind of layer does in the four sweeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Function = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Of x: f(x) and f′(x)."""
Second = Callable[[Tensor, Tensor], Tensor]
"""Of f(x) and f′(x): f″(x)."""
Map = Callable[[Tensor], Tensor]


class Applied(ABC):
    """A layer applied to an input; it keeps what the later sweeps need."""

    y: Tensor
    slope: Tensor
    """∂L/∂y."""

    @abstractmethod
    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        """Its input's slope, None unless it is to go `through`, and the gradients (S, ...) of its weights."""

    @abstractmethod
    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        """How y changes when the input changes by `moved` and the weights by v (S, ...)."""

    @abstractmethod
    def turned(self, slope: Tensor) -> Tensor:
        """How the input's slope changes when that of y changes by `slope`."""


Layer = Callable[[Tensor, int], Applied]
"""Of its input and the number of restarts."""


class Linear(Applied):
    def __init__(self, weight: Tensor, bias: Tensor | None, x: Tensor, restarts: int) -> None:
        self.weight, self.x, self.restarts = weight, x.view(restarts, -1, x.shape[1]), restarts  # (S, B, in)
        self.y = F.linear(x, weight, bias)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = slope.view(self.restarts, -1, slope.shape[1])  # (S, B, out)
        return slope @ self.weight if through else None, (self.slope.mT @ self.x, self.slope.sum(1))

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = v[0]
        y = torch.baddbmm(v[1][:, None], self.x, self.v.mT) if len(v) > 1 else self.x @ self.v.mT
        y = y.flatten(0, 1)
        return y if moved is None else torch.addmm(y, moved, self.weight.mT)

    def turned(self, slope: Tensor) -> Tensor:
        return torch.addmm((self.slope @ self.v).flatten(0, 1), slope, self.weight)


class BatchNorm(Applied):
    """Batch norm by the batch's own statistics: y = γ x̂ + β with x̂ = (x − μ) / σ, μ and σ of each restart's images."""

    def __init__(self, weight: Tensor, bias: Tensor, eps: float, x: Tensor, restarts: int) -> None:
        x = x.view(restarts, -1, *x.shape[1:])  # (S, B, C, H, W)
        centred = x - mean(x)
        self.spread = (mean(centred * centred) + eps).sqrt()  # (S, 1, C, 1, 1)
        self.x = centred / self.spread
        self.weight = weight[:, None, None]
        self.y = (self.x * self.weight + bias[:, None, None]).flatten(0, 1)

    def normal(self, moved: Tensor) -> Tensor:
        """How x̂ changes when x changes by `moved`, which is its own transpose."""
        return (moved - mean(moved) - self.x * mean(moved * self.x)) / self.spread

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = slope.view_as(self.x)
        self.before = self.normal(self.slope * self.weight)
        return self.before.flatten(0, 1), ((self.slope * self.x).sum((1, 3, 4)), self.slope.sum((1, 3, 4)))

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v, bias = (each[:, None, :, None, None] for each in v)
        moved = torch.zeros_like(self.x) if moved is None else moved.view_as(self.x)
        self.widened, self.moved = mean(moved * self.x), self.normal(moved)
        return (self.moved * self.weight + self.x * self.v + bias).flatten(0, 1)

    def turned(self, slope: Tensor) -> Tensor:
        inner = self.slope * self.weight
        gone = self.before * self.widened + self.moved * mean(inner * self.x) + self.x * mean(inner * self.moved)
        own = self.normal(slope.view_as(self.x) * self.weight + self.slope * self.v)
        return (own - gone / self.spread).flatten(0, 1)


def mean(x: Tensor) -> Tensor:
    """Of each restart and channel of x (S, B, C, H, W)."""
    return x.mean((1, 3, 4), keepdim=True)


class Pointwise(Applied):
    """An activation y = f(x), with f′ and f″."""

    moved: Tensor | None
    """Of its input; None before all weights."""

    def __init__(self, function: Function, second: Second | None, x: Tensor, _seeds: int) -> None:
        self.second, self.moved = second, None
        self.y, self.first = function(x)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.slope = slope
        return slope * self.first, ()

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        assert moved is not None
        self.moved = moved
        return moved * self.first

    def turned(self, slope: Tensor) -> Tensor:
        before = slope * self.first
        if self.second is None or self.moved is None:
            return before
        return before.addcmul_(self.slope * self.moved, self.second(self.y, self.first))


class Fixed(Applied):
    """A linear layer without weights, by what it does and by its transpose."""

    def __init__(self, forward: Map, transpose: Map, x: Tensor, _seeds: int) -> None:
        self.forward, self.transpose = forward, transpose
        self.y = forward(x)

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        return self.transpose(slope), ()

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        assert moved is not None
        return self.forward(moved)

    def turned(self, slope: Tensor) -> Tensor:
        return self.transpose(slope)


class Chain(Applied):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[tuple[int, Layer]], x: Tensor, restarts: int) -> None:
        self.counts = [count for count, _ in layers]
        self.applied: list[Applied] = []
        for _, layer in layers:
            self.applied.append(layer(x, restarts))
            x = self.applied[-1].y
        self.y = x

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        first = 0 if through else next(i for i, count in enumerate(self.counts) if count)
        before: Tensor | None = slope
        found: list[Tensor] = []
        for i in reversed(range(first, len(self.applied))):
            assert before is not None
            before, grads = self.applied[i].backward(before, through=through or i > first)
            found = [*grads[: self.counts[i]], *found]
        return before, found

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        begin = 0
        for layer, count in zip(self.applied, self.counts, strict=True):
            if count or moved is not None:
                moved = layer.tangent(moved, v[begin : begin + count])
            begin += count
        assert moved is not None
        return moved

    def turned(self, slope: Tensor) -> Tensor:
        for layer in reversed(self.applied):
            slope = layer.turned(slope)
        return slope


class ResidualSum(Applied):
    """The sum of a branch and of a shortcut without weights."""

    def __init__(self, branch: Layer, shortcut: Layer, x: Tensor, restarts: int) -> None:
        self.branch, self.shortcut = branch(x, restarts), shortcut(x, restarts)
        self.y = self.branch.y + self.shortcut.y

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        before, grads = self.branch.backward(slope, through=through)
        beside, _ = self.shortcut.backward(slope, through=through)
        return None if before is None or beside is None else before + beside, grads

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        y = self.branch.tangent(moved, v)
        return y if moved is None else y + self.shortcut.tangent(moved, ())

    def turned(self, slope: Tensor) -> Tensor:
        return self.branch.turned(slope) + self.shortcut.turned(slope)


def flatten(x: Tensor, restarts: int) -> Applied:
    shape = x.shape
    return Fixed(lambda x: x.flatten(1), lambda slope: slope.view(shape), x, restarts)


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def pool(sides: int, x: Tensor, restarts: int) -> Applied:
    """Adaptive pooling: PyTorch's own in channels-last, where it is quick, else a product with a matrix of means."""
    if x.is_contiguous(memory_format=torch.channels_last):
        back = torch.ops.aten._adaptive_avg_pool2d_backward
        forward = partial(F.adaptive_avg_pool2d, output_size=sides)
        return Fixed(forward, lambda slope: back(channels_last(slope), x), x, restarts)
    matrix = means(x.shape[2], x.shape[3], sides, x.dtype, x.device)

    def transpose(slope: Tensor) -> Tensor:
        return torch.empty_like(x).copy_((slope.flatten(2) @ matrix).view(x.shape))

    return Fixed(lambda x: (x.flatten(2) @ matrix.mT).view(*x.shape[:2], sides, sides), transpose, x, restarts)


@cache
def means(height: int, width: int, sides: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(sides², height · width)."""
    down, across = (F.adaptive_avg_pool1d(torch.eye(n, dtype=dtype)[None], sides)[0].mT for n in (height, width))
    return torch.kron(down, across).to(device)


def thinned(stride: int, extra: int, x: Tensor, restarts: int) -> Applied:
    """Every `stride`-th row and column, and `extra` channels of zeros."""

    def forward(x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, extra))

    def transpose(slope: Tensor) -> Tensor:
        before = slope.new_zeros(x.shape)
        before[:, :, ::stride, ::stride] = slope[:, : x.shape[1]]
        return before

    return Fixed(forward, transpose, x, restarts)


def relu(x: Tensor) -> tuple[Tensor, Tensor]:
    y = x.relu()
    return y, y.sign()


def sigmoid(x: Tensor) -> tuple[Tensor, Tensor]:
    y = x.sigmoid()
    return y, y.addcmul(y, y, value=-1)


def tanh(x: Tensor) -> tuple[Tensor, Tensor]:
    y = x.tanh()
    return y, 1 - y * y


POINTWISE: dict[type[nn.Module], Layer] = {
    nn.ReLU: partial(Pointwise, relu, None),
    nn.Sigmoid: partial(Pointwise, sigmoid, lambda y, first: first.addcmul(first, y, value=-2)),
    nn.Tanh: partial(Pointwise, tanh, lambda y, first: -2 * y * first),
}
