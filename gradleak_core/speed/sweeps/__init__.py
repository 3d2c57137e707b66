"""The update of a network of known layers, and the slope of anything made of it, by sweeps written out by hand.

An attack needs ∇ₓ D(g) of the update g = ∇_θ L(x, y; θ). With v = ∂D/∂g held still that is ∇ₓ ⟨v, g⟩, and ⟨v, g⟩ is
how L changes as θ moves along v. So one sweep forward and one backward give g; one more forward, of how every output
changes along v, and one more backward, of how the slopes change, end in ∇ₓ ⟨v, g⟩ (Pearlmutter 1994). Autograd finds
the same through a graph of the backward sweep, with three times as many operations.

Images come as rows (S · B, C, H, W): all restarts share the weights. Gradients are (S, ...), and so is v.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

import gradleak_core.speed.factored as factored
from gradleak_core.models.layers import BatchNorm2d, Normalise, Slot
from gradleak_core.models.resnet20 import Block
from gradleak_core.speed.factored import is_plain
from gradleak_core.speed.sweeps.convolutions import Kernel
from gradleak_core.speed.sweeps.layers import (
    POINTWISE,
    BatchNorm,
    Chain,
    Fixed,
    Layer,
    Linear,
    ResidualSum,
    flatten,
    pool,
    thinned,
)
from gradleak_core.speed.sweeps.normed import NormedKernel
from gradleak_core.types import Update


class Sweeps:
    """A network at fixed parameters, ready to give updates."""

    def __init__(self, layer: Layer, theta: Update) -> None:
        self.layer = layer
        self.shapes = {k: p.shape for k, p in theta.items()}
        self.small = [k for k, p in theta.items() if p.numel() < factored.FACTORED_FROM]
        self.large = [k for k in theta if k not in self.small]

    def update(self, x: Tensor, y: Tensor) -> Parts:
        """The gradient of the cross-entropy of images x (S, B, C, H, W) with probabilities y (S, B, classes)."""
        return Parts(self, Sweep.apply(self, x, y))

    def pieces(self, grads: Update, restarts: int) -> tuple[Tensor, ...]:
        """The small tensors end to end as (S, n), and the large ones, each (S, n)."""
        rows = [grads[k].reshape(restarts, -1) for k in self.small]
        return (*([torch.cat(rows, 1)] if rows else []), *(grads[k].reshape(restarts, -1) for k in self.large))

    def named(self, pieces: Sequence[Tensor]) -> Update:
        sizes = [self.shapes[k].numel() for k in self.small]
        small = torch.split(pieces[0], sizes, 1) if sizes else ()
        rows = zip((*self.small, *self.large), (*small, *pieces[bool(self.small) :]), strict=True)
        return {k: row.view(-1, *self.shapes[k]) for k, row in rows}


class Parts(Mapping[str, Tensor]):
    """An update (S, ...) of which the small tensors lie end to end."""

    def __init__(self, sweeps: Sweeps, pieces: Sequence[Tensor]) -> None:
        self.sweeps, self.pieces = sweeps, pieces

    @cached_property
    def named(self) -> Update:
        return self.sweeps.named(self.pieces)

    def __getitem__(self, name: str) -> Tensor:
        return self.named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sweeps.shapes)

    def __len__(self) -> int:
        return len(self.sweeps.shapes)


class Sweep(torch.autograd.Function):
    """The first two sweeps forward, the last two backward."""

    @staticmethod
    def forward(ctx: Any, sweeps: Sweeps, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        restarts, batch = x.shape[:2]
        applied, y = sweeps.layer(x.flatten(0, 1), restarts), y.flatten(0, 1)
        probabilities, weight = applied.y.softmax(1), y.sum(1, keepdim=True) / batch
        _, grads = applied.backward(probabilities * weight - y / batch, through=False)
        ctx.sweeps, ctx.applied, ctx.shape = sweeps, applied, x.shape
        ctx.save_for_backward(probabilities, weight)
        return sweeps.pieces(dict(zip(sweeps.shapes, grads, strict=True)), restarts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *v: Tensor) -> tuple[None, Tensor, Tensor]:
        probabilities, weight = ctx.saved_tensors
        along = ctx.sweeps.named(v)
        moved = ctx.applied.tangent(None, [along[k] for k in ctx.sweeps.shapes])
        away = (probabilities * moved).sum(1, keepdim=True) - moved  # of the logarithms of the probabilities
        slope = ctx.applied.turned(-weight * probabilities * away)
        return None, slope.view(ctx.shape), (away / ctx.shape[1]).view(*ctx.shape[:2], -1)


def sweeps(model: nn.Module, theta: Update) -> Sweeps | None:
    """Those of a network at parameters theta; None when it has a layer that is not known here."""
    layer = chain(model.named_children(), theta) if isinstance(model, nn.Sequential) else None
    return Sweeps(layer, theta) if layer is not None else None


def chain(modules: Iterable[tuple[str, nn.Module]], theta: Update) -> Layer | None:
    """Modules by their names in theta, one after the other."""
    layers: list[tuple[int, Layer]] = []
    for name, module in modules:
        if type(module) is Slot:
            continue
        mine = {k: p.detach() for k, p in theta.items() if k.startswith(f"{name}.")}
        layer, count = known(name, module, mine), len(mine)
        if layer is None and layers and isinstance(kernel := layers[-1][1], Kernel):
            layer = normed(kernel, module, [*mine.values()])
            count += layers.pop()[0]
        if layer is None:
            return None
        layers.append((count, layer))
    return partial(Chain, layers)


def normed(kernel: Kernel, module: nn.Module, theta: Sequence[Tensor]) -> Layer | None:
    """A convolution with the batch norm after it, if that uses its running statistics."""
    if not isinstance(module, BatchNorm2d) or module.training or len(theta) != 2:
        return None
    gamma, beta = theta
    assert module.running_mean is not None
    assert module.running_var is not None
    return NormedKernel(kernel, gamma, beta, module.running_mean, (module.running_var + module.eps).sqrt())


def known(name: str, module: nn.Module, theta: Update) -> Layer | None:
    kind, weight, bias = type(module), theta.get(f"{name}.weight"), theta.get(f"{name}.bias")
    parts = ((f"{name}.{part}", child) for part, child in module.named_children())
    if kind in POINTWISE:
        return POINTWISE[kind]
    if kind is Normalise:
        return partial(Fixed, module.forward, lambda slope: slope * 4)
    if kind is nn.Flatten:
        return flatten
    if isinstance(module, nn.AdaptiveAvgPool2d) and isinstance(module.output_size, int):
        return partial(pool, module.output_size)
    if kind is nn.Sequential:
        return chain(parts, theta)
    if isinstance(module, Block):
        *inner, (_, act) = parts
        branch, last = chain(inner, theta), known(name, act, {})
        if branch is None or last is None:
            return None
        shortcut = partial(thinned, module.stride, module.extra)
        return partial(Chain, [(len(theta), partial(ResidualSum, branch, shortcut)), (0, last)])
    if kind is nn.Linear and weight is not None:
        return partial(Linear, weight, bias)
    if is_plain(module) and isinstance(module, nn.Conv2d) and module.dilation == (1, 1) and weight is not None:
        assert not isinstance(module.padding, str)
        return Kernel(weight, bias, module.stride, module.padding)
    if isinstance(module, BatchNorm2d) and module.training and weight is not None and bias is not None:
        return partial(BatchNorm, weight, bias, module.eps)
    return None
