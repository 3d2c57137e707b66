"""The update of a network of known layers, and the slope of anything made of it, by sweeps written out by hand.

An attack needs ∇ₓ D(g) of the update g = ∇_θ L(x, y; θ). With v = ∂D/∂g held still that is ∇ₓ ⟨v, g⟩, and ⟨v, g⟩ is
how L changes as θ moves along v. So one sweep forward and one backward give g; one more forward, of how every output
changes along v, and one more backward, of how the slopes change, end in ∇ₓ ⟨v, g⟩ (Pearlmutter 1994). Autograd finds
the same through a graph of the backward sweep, with three times as many operations.

Images come as rows (S · B, C, H, W): all seeds share the weights. Gradients are (S, ...), and so is v.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gradleak_core.factors import LARGE, plain
from gradleak_core.models.layers import BatchNorm2d, Normalise, Slot
from gradleak_core.sweeps.convolutions import Kernel, convolution
from gradleak_core.sweeps.layers import ACTIVATIONS, Affine, Applied, Fixed, Layer, Linear, Norm, flatten, pool
from gradleak_core.types import Update


class Sweeps:
    """A network at fixed parameters, ready to give updates."""

    def __init__(self, layers: Sequence[tuple[Sequence[str], Layer]], theta: Update) -> None:
        self.layers = layers
        self.first = next(i for i, (names, _) in enumerate(layers) if names)
        self.shapes = {k: p.shape for k, p in theta.items()}
        self.small = [k for k, p in theta.items() if p.numel() < LARGE]
        self.large = [k for k in theta if k not in self.small]

    def update(self, x: Tensor, y: Tensor) -> Parts:
        """The gradient of the cross-entropy of images x (S, B, C, H, W) with probabilities y (S, B, classes)."""
        return Parts(self, Sweep.apply(self, x, y))

    def pieces(self, grads: Update, seeds: int) -> tuple[Tensor, ...]:
        """The small tensors end to end as (S, n), and the large ones, each (S, n)."""
        rows = [grads[k].reshape(seeds, -1) for k in self.small]
        return (*([torch.cat(rows, 1)] if rows else []), *(grads[k].reshape(seeds, -1) for k in self.large))

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
        seeds, rows = len(x), x.flatten(0, 1)
        applied: list[Applied] = []
        for _, layer in sweeps.layers:
            applied.append(layer(rows, seeds))
            rows = applied[-1].y
        probabilities, y = rows.softmax(1), y.flatten(0, 1)
        weight = y.sum(1, keepdim=True) * (seeds / len(y))
        slope: Tensor | None = probabilities * weight - y * (seeds / len(y))
        grads: Update = {}
        for i in reversed(range(sweeps.first, len(applied))):
            assert slope is not None
            slope, found = applied[i].backward(slope, through=i > sweeps.first)
            grads.update(zip(sweeps.layers[i][0], found, strict=False))
        ctx.sweeps, ctx.applied, ctx.shape = sweeps, applied, x.shape
        ctx.save_for_backward(probabilities, weight)
        return sweeps.pieces(grads, seeds)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *v: Tensor) -> tuple[None, Tensor, Tensor]:
        sweeps, applied = ctx.sweeps, ctx.applied
        probabilities, weight = ctx.saved_tensors
        along, moved = sweeps.named(v), None
        for (names, _), layer in zip(sweeps.layers[sweeps.first :], applied[sweeps.first :], strict=True):
            moved = layer.tangent(moved, [along[k] for k in names])
        away = (probabilities * moved).sum(1, keepdim=True) - moved  # of the logarithms of the probabilities
        slope = -weight * probabilities * away
        batch = ctx.shape[1]
        for layer in reversed(applied):
            slope = layer.turned(slope)
        return None, slope.view(ctx.shape), (away / batch).view(*ctx.shape[:2], -1)


def sweeps(model: nn.Module, theta: Update) -> Sweeps | None:
    """Those of a network at parameters theta; None when it has a layer or a branch that is not known here."""
    if not isinstance(model, nn.Sequential):
        return None
    layers: list[tuple[Sequence[str], Layer]] = []
    for name, module in model.named_children():
        if type(module) is Slot:
            continue
        names = [k for k in (f"{name}.weight", f"{name}.bias") if k in theta]
        layer = known(module, *(theta[k].detach() for k in names))
        if layer is None:
            return None
        layers.append((names, layer))
    return Sweeps(layers, theta)


def known(module: nn.Module, weight: Tensor | None = None, bias: Tensor | None = None) -> Layer | None:
    kind = type(module)
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind]
    if kind is Normalise:
        return partial(Fixed, module.forward, lambda slope: slope * 4)
    if kind is nn.Flatten:
        return flatten
    if isinstance(module, nn.AdaptiveAvgPool2d) and isinstance(module.output_size, int):
        return partial(pool, module.output_size)
    if weight is None:
        return None
    if kind is nn.Linear:
        return partial(Linear, weight, bias)
    if plain(module) and isinstance(module, nn.Conv2d) and module.dilation == (1, 1):
        assert not isinstance(module.padding, str)
        return partial(convolution, Kernel(weight, bias, module.stride, module.padding))
    if isinstance(module, BatchNorm2d) and not module.training and bias is not None:
        assert module.running_mean is not None
        assert module.running_var is not None
        return partial(Norm, Affine(module.running_mean, module.running_var, module.eps, weight, bias))
    return None
