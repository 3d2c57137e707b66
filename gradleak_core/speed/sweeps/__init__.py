"""Hessian-vector products by forward-over-reverse differentiation (Pearlmutter's R-operator), written out by hand.

An attack needs ∇ₓ D(g) of the update g = ∇_θ L(x, y; θ). With v = ∂D/∂g held fixed that is ∇ₓ ⟨v, g⟩, and ⟨v, g⟩ is
the derivative of L as θ moves along v (Pearlmutter 1994). So there are four sweeps: a forward and a backward pass give
g; a forward pass of the tangents along v and a backward pass of the cotangents' tangents give ∇ₓ ⟨v, g⟩. Autograd finds
the same through a graph of the first backward pass, with three times as many operations.

Images come as rows (S · B, C, H, W): all restarts share the weights. Gradients are (S, ...), and so is v.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

import gradleak_core.speed.factored as factored
from gradleak_core.speed.sweeps.layers import Layer
from gradleak_core.speed.sweeps.rules import chain_layers
from gradleak_core.types import Update


class SweptNetwork:
    """A network at fixed parameters θ whose update the four sweeps compute and differentiate."""

    def __init__(self, layer: Layer, theta: Update) -> None:
        self.layer = layer
        self.shapes = {k: p.shape for k, p in theta.items()}
        self.small = [k for k, p in theta.items() if p.numel() < factored.FACTORED_FROM]
        self.large = [k for k in theta if k not in self.small]

    def update(self, x: Tensor, y: Tensor) -> FlatUpdate:
        """Returns the gradient of the cross-entropy of images x (S, B, C, H, W) and probabilities y (S, B, classes)."""
        return FlatUpdate(self, SweptUpdate.apply(self, x, y))

    def flatten(self, grads: Update, restarts: int) -> tuple[Tensor, ...]:
        """Returns the small gradients concatenated (S, n), and then each large one (S, n)."""
        rows = [grads[k].reshape(restarts, -1) for k in self.small]
        return (*([torch.cat(rows, 1)] if rows else []), *(grads[k].reshape(restarts, -1) for k in self.large))

    def unflatten(self, pieces: Sequence[Tensor]) -> Update:
        """Returns by name what `flatten` has laid out, each tensor (S, ...)."""
        sizes = [self.shapes[k].numel() for k in self.small]
        small = torch.split(pieces[0], sizes, 1) if sizes else ()
        rows = zip((*self.small, *self.large), (*small, *pieces[bool(self.small) :]), strict=True)
        return {k: row.view(-1, *self.shapes[k]) for k, row in rows}


class FlatUpdate(Mapping[str, Tensor]):
    """An update by name, each tensor (S, ...), whose small tensors lie end to end in memory."""

    def __init__(self, network: SweptNetwork, pieces: Sequence[Tensor]) -> None:
        self.network, self.pieces = network, pieces

    @cached_property
    def by_name(self) -> Update:
        """The tensors (S, ...), views of what lies end to end."""
        return self.network.unflatten(self.pieces)

    def __getitem__(self, name: str) -> Tensor:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.network.shapes)

    def __len__(self) -> int:
        return len(self.network.shapes)


class SweptUpdate(torch.autograd.Function):
    """The update as an autograd function: two sweeps in its forward pass, two in its backward pass."""

    @staticmethod
    def forward(ctx: Any, network: SweptNetwork, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        restarts, batch = x.shape[:2]
        applied, y = network.layer(x.flatten(0, 1), restarts), y.flatten(0, 1)  # y (S · B, classes)
        probabilities, weight = applied.y.softmax(1), y.sum(1, keepdim=True) / batch  # (S · B, classes), (S · B, 1)
        _, grads = applied.backward(probabilities * weight - y / batch, input_grad=False)
        ctx.network, ctx.applied, ctx.shape = network, applied, x.shape
        ctx.save_for_backward(probabilities, weight)
        return network.flatten(dict(zip(network.shapes, grads, strict=True)), restarts)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *v: Tensor) -> tuple[None, Tensor, Tensor]:
        probabilities, weight = ctx.saved_tensors
        direction = ctx.network.unflatten(v)
        tangent = ctx.applied.jvp(None, [direction[k] for k in ctx.network.shapes])  # of the logits (S · B, classes)
        away = (probabilities * tangent).sum(1, keepdim=True) - tangent  # tangent of −ln p (S · B, classes)
        pull = ctx.applied.backward_jvp(-weight * probabilities * away)  # ∇ₓ ⟨v, g⟩ (S · B, C, H, W)
        return None, pull.view(ctx.shape), (away / ctx.shape[1]).view(*ctx.shape[:2], -1)


def sweep_network(model: nn.Module, theta: Update) -> SweptNetwork | None:
    """Returns the network at parameters θ, ready for sweeps; None when a layer of it has no rule (`rules.py`)."""
    layer = chain_layers(model.named_children(), theta) if isinstance(model, nn.Sequential) else None
    return SweptNetwork(layer, theta) if layer is not None else None
