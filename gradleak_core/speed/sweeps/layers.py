"""The layers of a network that the sweeps know, each with its part in all four."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Function = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Returns f(x) and f′(x) for x."""
Second = Callable[[Tensor, Tensor], Tensor]
"""Returns f″(x) for f(x) and f′(x)."""
Map = Callable[[Tensor], Tensor]


class AppliedLayer(ABC):
    """A layer applied to an input x (S · B, ...). Its methods are the other three sweeps, called in this order.

    The cotangent of a tensor is the gradient of the loss L in it, and its tangent is its derivative as the parameters
    move along v. `jvp` takes tangents forwards (R{·} in Pearlmutter 1994). `backward_jvp` differentiates `backward`: it
    takes the tangents of cotangents backwards.
    """

    y: Tensor
    """Output of the layer (S · B, ...)."""
    cotangent: Tensor
    """∂L/∂y, in the shape that the layer finds handy."""

    @abstractmethod
    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        """Returns ∂L/∂x, which may be None unless `input_grad`, and the gradients of the weights (S, ...)."""

    @abstractmethod
    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        """Returns the tangent of y for that of x (None for zero) and a direction v of the weights (S, ...)."""

    @abstractmethod
    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        """Returns the tangent of ∂L/∂x for that of ∂L/∂y."""


Layer = Callable[[Tensor, int], AppliedLayer]
"""Applies a layer to its input (S · B, ...), given the number of restarts S."""


class Linear(AppliedLayer):
    """A linear layer y = x Wᵀ + b applied to rows (S · B, in)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, x: Tensor, restarts: int) -> None:
        self.weight, self.x, self.restarts = weight, x.view(restarts, -1, x.shape[1]), restarts  # (S, B, in)
        self.y = F.linear(x, weight, bias)  # (S · B, out)

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.cotangent = cotangent.view(self.restarts, -1, cotangent.shape[1])  # (S, B, out)
        input_cotangent = cotangent @ self.weight if input_grad else None  # (S · B, in)
        return input_cotangent, (self.cotangent.mT @ self.x, self.cotangent.sum(1))  # (S, out, in), (S, out)

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v = v[0]  # (S, out, in)
        y = torch.baddbmm(v[1][:, None], self.x, self.v.mT) if len(v) > 1 else self.x @ self.v.mT  # (S, B, out)
        y = y.flatten(0, 1)
        return y if tangent is None else torch.addmm(y, tangent, self.weight.mT)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        return torch.addmm((self.cotangent @ self.v).flatten(0, 1), cotangent_tangent, self.weight)  # (S · B, in)


class BatchNorm(AppliedLayer):
    """Batch norm by the batch's own statistics: y = γ x̂ + β with x̂ = (x − μ) / σ, μ and σ of each restart's images."""

    def __init__(self, weight: Tensor, bias: Tensor, eps: float, x: Tensor, restarts: int) -> None:
        x = x.view(restarts, -1, *x.shape[1:])  # (S, B, C, H, W)
        centred = x - mean(x)
        self.spread = (mean(centred * centred) + eps).sqrt()  # σ (S, 1, C, 1, 1)
        self.x = centred / self.spread  # x̂ (S, B, C, H, W)
        self.weight = weight[:, None, None]  # γ (C, 1, 1)
        self.y = (self.x * self.weight + bias[:, None, None]).flatten(0, 1)  # (S · B, C, H, W)

    def project(self, tangent: Tensor) -> Tensor:
        """Returns the tangent of x̂ (S, B, C, H, W) for that of x. The map is its own transpose."""
        return (tangent - mean(tangent) - self.x * mean(tangent * self.x)) / self.spread

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.cotangent = cotangent.view_as(self.x)  # (S, B, C, H, W)
        self.input_cotangent = self.project(self.cotangent * self.weight)  # ∂L/∂x (S, B, C, H, W)
        gamma, beta = (self.cotangent * self.x).sum((1, 3, 4)), self.cotangent.sum((1, 3, 4))  # (S, C)
        return self.input_cotangent.flatten(0, 1), (gamma, beta)

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        self.v, bias = (each[:, None, :, None, None] for each in v)  # (S, 1, C, 1, 1)
        tangent = torch.zeros_like(self.x) if tangent is None else tangent.view_as(self.x)
        self.spread_tangent = mean(tangent * self.x)  # of σ (S, 1, C, 1, 1)
        self.tangent = self.project(tangent)  # of x̂ (S, B, C, H, W)
        return (self.tangent * self.weight + self.x * self.v + bias).flatten(0, 1)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        inner = self.cotangent * self.weight  # ∂L/∂x̂ (S, B, C, H, W)
        change = self.input_cotangent * self.spread_tangent + self.tangent * mean(inner * self.x)
        change = change + self.x * mean(inner * self.tangent)  # by σ and x̂ in `project` (S, B, C, H, W)
        own = self.project(cotangent_tangent.view_as(self.x) * self.weight + self.cotangent * self.v)
        return (own - change / self.spread).flatten(0, 1)


def mean(x: Tensor) -> Tensor:
    """Returns the mean (S, 1, C, 1, 1) of each restart and channel of x (S, B, C, H, W)."""
    return x.mean((1, 3, 4), keepdim=True)


class Pointwise(AppliedLayer):
    """An activation y = f(x), with f′ and f″ (None for zero)."""

    tangent: Tensor | None
    """Tangent of x; None before the first weights."""

    def __init__(self, function: Function, second: Second | None, x: Tensor, _restarts: int) -> None:
        self.second, self.tangent = second, None
        self.y, self.first = function(x)  # both in the shape of x

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        self.cotangent = cotangent
        return cotangent * self.first, ()

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        assert tangent is not None
        self.tangent = tangent
        return tangent * self.first

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        linear = cotangent_tangent * self.first
        if self.second is None or self.tangent is None:
            return linear
        return linear.addcmul_(self.cotangent * self.tangent, self.second(self.y, self.first))


class Fixed(AppliedLayer):
    """A linear layer without weights, given as its map and the transpose of that."""

    def __init__(self, forward: Map, transpose: Map, x: Tensor, _restarts: int) -> None:
        self.forward, self.transpose = forward, transpose
        self.y = forward(x)

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        return self.transpose(cotangent), ()

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        assert tangent is not None
        return self.forward(tangent)

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        return self.transpose(cotangent_tangent)


class Chain(AppliedLayer):
    """Layers one after the other, each given with the number of its weights."""

    def __init__(self, layers: Sequence[tuple[int, Layer]], x: Tensor, restarts: int) -> None:
        self.counts = [count for count, _ in layers]
        self.applied: list[AppliedLayer] = []
        for _, layer in layers:
            self.applied.append(layer(x, restarts))
            x = self.applied[-1].y
        self.y = x

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        first = 0 if input_grad else next(i for i, count in enumerate(self.counts) if count)
        input_cotangent: Tensor | None = cotangent
        found: list[Tensor] = []
        for i in reversed(range(first, len(self.applied))):
            assert input_cotangent is not None
            input_cotangent, grads = self.applied[i].backward(input_cotangent, input_grad=input_grad or i > first)
            found = [*grads[: self.counts[i]], *found]
        return input_cotangent, found

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        begin = 0
        for layer, count in zip(self.applied, self.counts, strict=True):
            if count or tangent is not None:
                tangent = layer.jvp(tangent, v[begin : begin + count])
            begin += count
        assert tangent is not None
        return tangent

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        for layer in reversed(self.applied):
            cotangent_tangent = layer.backward_jvp(cotangent_tangent)
        return cotangent_tangent


class ResidualSum(AppliedLayer):
    """The sum of a branch and of a shortcut without weights."""

    def __init__(self, branch: Layer, shortcut: Layer, x: Tensor, restarts: int) -> None:
        self.branch, self.shortcut = branch(x, restarts), shortcut(x, restarts)
        self.y = self.branch.y + self.shortcut.y

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        input_cotangent, grads = self.branch.backward(cotangent, input_grad=input_grad)
        by_shortcut, _ = self.shortcut.backward(cotangent, input_grad=input_grad)
        return None if input_cotangent is None or by_shortcut is None else input_cotangent + by_shortcut, grads

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        y = self.branch.jvp(tangent, v)
        return y if tangent is None else y + self.shortcut.jvp(tangent, ())

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        return self.branch.backward_jvp(cotangent_tangent) + self.shortcut.backward_jvp(cotangent_tangent)


def flatten(x: Tensor, restarts: int) -> AppliedLayer:
    """Returns x (S · B, C, H, W) as rows (S · B, C · H · W)."""
    shape = x.shape
    return Fixed(lambda x: x.flatten(1), lambda cotangent: cotangent.view(shape), x, restarts)


def channels_last(x: Tensor) -> Tensor:
    """Returns x (N, C, H, W) in the channels-last memory format."""
    return x.contiguous(memory_format=torch.channels_last)


def pool(sides: int, x: Tensor, restarts: int) -> AppliedLayer:
    """Returns x (S · B, C, H, W) averaged to (S · B, C, sides, sides).

    PyTorch's adaptive pooling is quick in channels-last format. Other inputs are multiplied by a matrix of means.
    """
    if x.is_contiguous(memory_format=torch.channels_last):
        back = torch.ops.aten._adaptive_avg_pool2d_backward
        forward = partial(F.adaptive_avg_pool2d, output_size=sides)
        return Fixed(forward, lambda cotangent: back(channels_last(cotangent), x), x, restarts)
    matrix = means(x.shape[2], x.shape[3], sides, x.dtype, x.device)  # (sides², H · W)

    def transpose(cotangent: Tensor) -> Tensor:
        return torch.empty_like(x).copy_((cotangent.flatten(2) @ matrix).view(x.shape))

    return Fixed(lambda x: (x.flatten(2) @ matrix.mT).view(*x.shape[:2], sides, sides), transpose, x, restarts)


@cache
def means(height: int, width: int, sides: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns the matrix (sides², H · W) that averages flattened images as adaptive pooling does."""
    down, across = (F.adaptive_avg_pool1d(torch.eye(n, dtype=dtype)[None], sides)[0].mT for n in (height, width))
    return torch.kron(down, across).to(device)  # of (sides, H) and (sides, W)


def subsample(stride: int, extra: int, x: Tensor, restarts: int) -> AppliedLayer:
    """Returns every `stride`-th row and column of x (S · B, C, H, W), and `extra` channels of zeros after C."""

    def forward(x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, extra))

    def transpose(cotangent: Tensor) -> Tensor:
        input_cotangent = cotangent.new_zeros(x.shape)  # (S · B, C, H, W)
        input_cotangent[:, :, ::stride, ::stride] = cotangent[:, : x.shape[1]]
        return input_cotangent

    return Fixed(forward, transpose, x, restarts)


def relu(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y = max(x, 0) and y′."""
    y = x.relu()
    return y, y.sign()


def sigmoid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y = 1 / (1 + e⁻ˣ) and y′ = y − y²."""
    y = x.sigmoid()
    return y, y.addcmul(y, y, value=-1)


def tanh(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y = tanh x and y′ = 1 − y²."""
    y = x.tanh()
    return y, 1 - y * y


POINTWISE: dict[type[nn.Module], Layer] = {
    nn.ReLU: partial(Pointwise, relu, None),
    nn.Sigmoid: partial(Pointwise, sigmoid, lambda y, first: first.addcmul(first, y, value=-2)),
    nn.Tanh: partial(Pointwise, tanh, lambda y, first: -2 * y * first),
}
