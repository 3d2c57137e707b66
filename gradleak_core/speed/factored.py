"""The gradients of large layers as two factors that are never multiplied out.

A layer y = A Wᵀ, where A (n, in) has a row for each image and place (the patches, if it is a convolution), has the
gradient G = δᵀA with the slopes δ (n, out) of the loss in y. With few rows G is large and says little: its products
⟨G, T⟩ = ⟨δ, A Tᵀ⟩ and ‖G‖² = ⟨A Aᵀ, δ δᵀ⟩ (Goodfellow 2015, for norms) take a few passes over T and none over G.
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
from gradleak_core.speed.norms import WrittenOut
from gradleak_core.speed.unfolding import Unfolding
from gradleak_core.types import Candidate, Latents, Update

FACTORED_FROM = 2**17
"""Entries from which a weight's gradient is kept in factors, and other tensors of an update are not copied."""


@dataclass(frozen=True)
class Taps:
    """Where a network's gradients are tapped, by the name of the weight."""

    zeros: dict[str, Tensor] = field(default_factory=dict)
    """(B, ..., out), added to the layer's outputs: the loss's gradient there is δ."""
    live: dict[str, Tensor] = field(default_factory=dict)
    """Of a convolution whose kernel has places that see only padding, the other places."""
    kernels: dict[str, Tensor] = field(default_factory=dict)
    """Weights (out, in) in their live places, where they are known beforehand."""

    def at(self, theta: Mapping[str, Tensor]) -> Taps:
        """The same, for many updates at parameters theta."""
        return replace(
            self,
            kernels={
                k: keep_places(theta[k].detach().flatten(2), touched_places) for k, touched_places in self.live.items()
            },
        )


@dataclass(frozen=True)
class Factors:
    """A gradient δᵀA, with one leading dimension for restarts or none."""

    inputs: Tensor
    """A (..., n, in), without the entries that are always padding."""
    slopes: Tensor
    """δ (..., n, out)."""
    live: Tensor | None = None

    def __getitem__(self, index: Any) -> Factors:
        return Factors(self.inputs[index], self.slopes[index], self.live)

    def rows(self, other: Tensor) -> Tensor:
        """Of a tensor with as many entries as the weight, those that G has, (out, in)."""
        other = other.view(self.slopes.shape[-1], -1)
        if self.live is None:
            return other
        channels = self.inputs.shape[-1] // len(self.live)
        return keep_places(other.view(len(other), channels, -1), self.live)

    def products(self, other: Tensor) -> tuple[Tensor, Tensor]:
        """⟨G, other⟩ and ‖G‖² (...,), for other (out, in) as `rows` gives it."""
        across = self.inputs @ other.mT  # (..., n, out)
        square = (self.inputs @ self.inputs.mT) * (self.slopes @ self.slopes.mT)  # (..., n, n)
        return (self.slopes * across).sum((-2, -1)), square.sum((-2, -1))


def factored_update(model: nn.Module, guess: Candidate, taps: Taps, *, start: Update) -> Mapping[str, Tensor | Factors]:
    """Returns `client.local_update` of one local step for guesses (S, ...), with the gradients of the tapped layers as
    factors. One guess alone goes by plain autograd, which takes a tenth less time than `torch.func`.
    """
    loss = loss_of(model)
    fixed = {k: start[k].detach() for k in taps.zeros}
    free = {k: p.detach() for k, p in start.items() if k not in fixed}
    draws = {k: v[:, 0] for k, v in guess.latents.items()}

    def tapped(free: Update, zeros: Update, draws: Latents, x: Tensor, y: Tensor) -> tuple[Tensor, Update]:
        with Tapped(replace(taps, zeros=zeros), fixed) as layers:
            return loss({**free, **fixed}, draws, x, y), layers.inputs

    if len(guess.images) > 1:
        each = grad(tapped, argnums=(0, 1), has_aux=True)
        together = vmap(each, in_dims=(None, None, 0, 0, 0), randomness="error")
        with WrittenOut():
            (grads, slopes), inputs = together(free, taps.zeros, draws, guess.images, guess.labels)
    else:
        free, zeros = ({k: t.detach().requires_grad_() for k, t in part.items()} for part in (free, taps.zeros))
        with Unfolding():
            value, inputs = tapped(free, zeros, {k: v[0] for k, v in draws.items()}, guess.images[0], guess.labels[0])
        found = iter(torch.autograd.grad(value, [*free.values(), *zeros.values()], create_graph=True))
        grads, slopes = ({k: next(found)[None] for k in part} for part in (free, zeros))
        inputs = {k: rows[None] for k, rows in inputs.items()}
    factors = {k: Factors(inputs[k], slopes[k].flatten(1, -2), taps.live.get(k)) for k in fixed}
    return {k: factors[k] if k in factors else grads[k] for k in start}


def taps(model: nn.Module, x: Tensor) -> Taps:
    """At each layer whose gradient on images x (B, C, H, W) is large and cheaper in factors."""
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
    return Taps(zeros, {name: places for name, (_, places) in chosen.items() if places is not None})


def is_plain(layer: nn.Module) -> TypeGuard[nn.Linear | nn.Conv2d]:
    """Linear, or a convolution of patches of what it is given."""
    if type(layer) is nn.Conv2d:
        return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return type(layer) is nn.Linear


def cheap(y: Tensor, weight: Tensor) -> bool:
    """Whether outputs y (B, ..., out) have so few rows that products of inputs and of slopes cost less than δᵀA."""
    out, size = len(weight), weight[0].numel()
    return 2 * (y.numel() // out) * (out + size) <= out * size


def touched_places(layer: nn.Conv2d, x: Tensor) -> Tensor | None:
    """The places of the kernel that touch images x (B, C, H, W) and not only their padding; None when all do."""
    ones = torch.ones_like(x[:1, :1])
    assert not isinstance(layer.padding, str)
    touched = F.unfold(ones, layer.kernel_size, layer.dilation, layer.padding, layer.stride)[0].any(1)  # (places,)
    return None if touched.all() else touched.nonzero()[:, 0]


def keep_places(kernels: Tensor, live: Tensor | None) -> Tensor:
    """Of kernels (..., C, places) the live places, as rows (..., C · live)."""
    return (kernels if live is None else kernels.index_select(-1, live)).flatten(-2)


class Tapped(TorchFunctionMode):
    """While it is entered, the layers of these weights are tapped, and `inputs` gathers their A (n, in)."""

    def __init__(self, taps: Taps, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.taps, self.inputs = taps, dict[str, Tensor]()
        self.names = {id(weights[name]): name for name in taps.zeros}

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = self.names.get(id(args[1])) if function in (F.linear, F.conv2d) else None
        if name is None:
            return function(*args, **(kwargs or {}))
        x, weight, bias, *how = args
        if how:
            stride, padding, dilation, _ = how
            places = self.taps.live.get(name)
            patches = F.unfold(x, weight.shape[2:], dilation, padding, stride).mT  # (B, n / B, in)
            x = keep_places(patches.reshape(*patches.shape[:2], x.shape[1], -1), places)
            known = self.taps.kernels.get(name)
            weight = keep_places(weight.flatten(2), places) if known is None else known
        rows = self.inputs[name] = x.flatten(0, -2)
        y = (rows @ weight.mT).view_as(self.taps.zeros[name]) + self.taps.zeros[name]
        y = y if bias is None else y + bias
        return y.movedim(-1, 1) if how else y
