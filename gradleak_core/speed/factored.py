"""The gradients of large layers as two factors that are never multiplied out.

A layer y = A Wᵀ, where A (n, in) has a row for each image and place (the patches, if it is a convolution), has the
gradient G = δᵀA, where δ (n, out) is the gradient of the loss in y. With few rows G is large and says little. Its
products ⟨G, T⟩ = ⟨δ, A Tᵀ⟩ and ‖G‖² = ⟨A Aᵀ, δ δᵀ⟩ (Goodfellow 2015, for norms) take a few passes over T, none over G.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.overrides import TorchFunctionMode

from gradleak_core.client import loss_of
from gradleak_core.models.hooks import watching
from gradleak_core.speed.norms import ScaledApart
from gradleak_core.speed.unfolding import Unfolding
from gradleak_core.types import Candidate, Latents, Update

FACTORED_FROM = 2**17
"""Entries from which a weight's gradient is kept in factors, and other tensors of an update are not copied."""


@dataclass(frozen=True)
class Probes:
    """The layers of a network whose gradients come in factors, by the name of the weight."""

    zeros: dict[str, Tensor] = field(default_factory=dict)
    """Zeros (B, ..., out) that are added to a layer's outputs: the loss's gradient in them is δ."""
    touched: dict[str, Tensor] = field(default_factory=dict)
    """Indices (touched,) of the places of a kernel that touch the images, if some see only padding."""
    kernels: dict[str, Tensor] = field(default_factory=dict)
    """Weights (out, C · touched) in the touched places, if these are gathered beforehand."""

    def at(self, theta: Mapping[str, Tensor]) -> Probes:
        """Returns these probes with the kernels at parameters theta, for many updates there."""
        kernels = {k: keep_places(theta[k].detach().flatten(2), places) for k, places in self.touched.items()}
        return replace(self, kernels=kernels)


@dataclass(frozen=True)
class FactoredGradient:
    """A gradient G = δᵀA that is kept as A and δ, with one leading dimension for restarts or none."""

    activations: Tensor
    """A (..., n, in), without the entries that are always padding."""
    backprops: Tensor
    """δ (..., n, out)."""
    touched: Tensor | None = None
    """Indices of the places of the kernel that G has; None for all."""

    def __getitem__(self, index: Any) -> FactoredGradient:
        return FactoredGradient(self.activations[index], self.backprops[index], self.touched)

    def restrict(self, other: Tensor) -> Tensor:
        """Returns the entries (out, in) that G has, of a tensor with as many as the weight."""
        other = other.view(self.backprops.shape[-1], -1)  # (out, C · places)
        if self.touched is None:
            return other
        channels = self.activations.shape[-1] // len(self.touched)
        return keep_places(other.view(len(other), channels, -1), self.touched)

    def products(self, other: Tensor) -> tuple[Tensor, Tensor]:
        """Returns ⟨G, other⟩ and ‖G‖², each (...,), for other (out, in) as `restrict` gives it."""
        across = self.activations @ other.mT  # (..., n, out)
        square = (self.activations @ self.activations.mT) * (self.backprops @ self.backprops.mT)  # (..., n, n)
        return (self.backprops * across).sum((-2, -1)), square.sum((-2, -1))


def factored_update(
    model: nn.Module, guess: Candidate, probes: Probes, *, start: Update
) -> Mapping[str, Tensor | FactoredGradient]:
    """Returns `client.local_update` of one local step for guesses (S, ...), with the probed gradients in factors.

    A single guess goes by plain autograd, which takes a tenth less time than `torch.func`.
    """
    loss = loss_of(model)
    fixed = {k: start[k].detach() for k in probes.zeros}
    free = {k: p.detach() for k, p in start.items() if k not in fixed}
    draws = {k: v[:, 0] for k, v in guess.latents.items()}  # of the only step: (S, B, ...)

    def probed(free: Update, zeros: Update, draws: Latents, x: Tensor, y: Tensor) -> tuple[Tensor, Update]:
        with ProbeMode(replace(probes, zeros=zeros), fixed) as layers:
            return loss({**free, **fixed}, draws, x, y), layers.activations

    if len(guess.images) > 1:
        each = grad(probed, argnums=(0, 1), has_aux=True)
        together = vmap(each, in_dims=(None, None, 0, 0, 0), randomness="error")
        with ScaledApart():
            (grads, backprops), activations = together(free, probes.zeros, draws, guess.images, guess.labels)
    else:
        free, zeros = ({k: t.detach().requires_grad_() for k, t in part.items()} for part in (free, probes.zeros))
        with Unfolding():
            draw = {k: v[0] for k, v in draws.items()}
            value, activations = probed(free, zeros, draw, guess.images[0], guess.labels[0])
        found = iter(torch.autograd.grad(value, [*free.values(), *zeros.values()], create_graph=True))
        grads, backprops = ({k: next(found)[None] for k in part} for part in (free, zeros))
        activations = {k: rows[None] for k, rows in activations.items()}  # (1, n, in)
    factored = {k: FactoredGradient(activations[k], backprops[k].flatten(1, -2), probes.touched.get(k)) for k in fixed}
    return {k: factored[k] if k in factored else grads[k] for k in start}


def find_probes(model: nn.Module, x: Tensor) -> Probes:
    """Returns probes of the layers whose gradients on images x (B, C, H, W) are large and cheaper in factors."""
    names = {id(p): name for name, p in model.named_parameters() if p.numel() >= FACTORED_FROM}

    def look(layer: nn.Linear | nn.Conv2d, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor | None]:
        return (y, None) if isinstance(layer, nn.Linear) else (y.movedim(1, -1), touched_places(layer, x))

    layers = {m: m for m in model.modules() if is_plain(m) and id(m.weight) in names}
    with watching(layers, look) as seen, torch.no_grad():
        model(x)
    passes: dict[str, list[tuple[Tensor, Tensor | None]]] = {name: [] for name in names.values()}
    for layer, found in seen.items():  # layers may share a weight
        passes[names[id(layer.weight)]] += found
    once = {name: found[0] for name, found in passes.items() if len(found) == 1}
    chosen = {name: found for name, found in once.items() if cheap(found[0], model.get_parameter(name))}
    zeros = {name: y.new_zeros(y.shape) for name, (y, _) in chosen.items()}
    return Probes(zeros, {name: places for name, (_, places) in chosen.items() if places is not None})


def is_plain(layer: nn.Module) -> TypeGuard[nn.Linear | nn.Conv2d]:
    """Returns whether a layer is linear, or a convolution in one group that pads by a number of zeros."""
    if type(layer) is nn.Conv2d:
        return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return type(layer) is nn.Linear


def cheap(y: Tensor, weight: Tensor) -> bool:
    """Returns whether outputs y (B, ..., out) have so few rows that A Aᵀ and δ δᵀ cost less than δᵀA."""
    out, size = len(weight), weight[0].numel()
    return 2 * (y.numel() // out) * (out + size) <= out * size


def touched_places(layer: nn.Conv2d, x: Tensor) -> Tensor | None:
    """Returns the places of the kernel that touch images x (B, C, H, W), not only their padding; None when all do."""
    ones = torch.ones_like(x[:1, :1])
    assert not isinstance(layer.padding, str)
    touched = F.unfold(ones, layer.kernel_size, layer.dilation, layer.padding, layer.stride)[0].any(1)  # (places,)
    return None if touched.all() else touched.nonzero()[:, 0]


def keep_places(kernels: Tensor, touched: Tensor | None) -> Tensor:
    """Returns the touched places of kernels (..., C, places) as rows (..., C · touched); all places for None."""
    return (kernels if touched is None else kernels.index_select(-1, touched)).flatten(-2)


class ProbeMode(TorchFunctionMode):
    """A mode in which layers of probed weights compute A Wᵀ plus the probe and put their A (n, in) in `activations`."""

    def __init__(self, probes: Probes, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.probes, self.activations = probes, dict[str, Tensor]()
        self.names = {id(weights[name]): name for name in probes.zeros}

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = self.names.get(id(args[1])) if function in (F.linear, F.conv2d) else None
        if name is None:
            return function(*args, **(kwargs or {}))
        x, weight, bias, *how = args
        if how:
            stride, padding, dilation, _ = how
            places = self.probes.touched.get(name)
            patches = F.unfold(x, weight.shape[2:], dilation, padding, stride).mT  # (B, n / B, C · places)
            x = keep_places(patches.reshape(*patches.shape[:2], x.shape[1], -1), places)  # (B, n / B, in)
            kernels = self.probes.kernels.get(name)
            weight = keep_places(weight.flatten(2), places) if kernels is None else kernels  # (out, in)
        rows = self.activations[name] = x.flatten(0, -2)  # A (n, in)
        y = (rows @ weight.mT).view_as(self.probes.zeros[name]) + self.probes.zeros[name]  # (B, ..., out)
        y = y if bias is None else y + bias
        return y.movedim(-1, 1) if how else y
