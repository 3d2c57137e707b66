"""The gradients of large layers as two factors that are never multiplied out.

A layer y = A Wᵀ, where A (n, in) has a row for each image and place (the patches, if it is a convolution), has the
gradient G = δᵀA with the slopes δ (n, out) of the loss in y. With few rows G is large and says little: its products
⟨G, T⟩ = ⟨δ, A Tᵀ⟩ and ‖G‖² = ⟨A Aᵀ, δ δᵀ⟩ (Goodfellow 2015, for norms) take a few passes over T and none over G.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

LARGE = 2**17
"""Entries of a weight from which its gradient is kept in factors."""
Taps = Mapping[str, Tensor]
"""Zeros (B, ..., out) to add to a layer's outputs, by the name of its weight. The slopes are the gradient there."""
NO_TAPS: Taps = {}


@dataclass(frozen=True)
class Factors:
    """A gradient δᵀA, with one leading dimension for seeds or none."""

    inputs: Tensor
    """A (..., n, in)."""
    slopes: Tensor
    """δ (..., n, out)."""

    def __getitem__(self, index: Any) -> Factors:
        return Factors(self.inputs[index], self.slopes[index])

    def products(self, other: Tensor) -> tuple[Tensor, Tensor]:
        """⟨G, other⟩ and ‖G‖² (...,), for other (out, in) of any shape."""
        across = self.inputs @ other.view(self.slopes.shape[-1], -1).mT  # (..., n, out)
        square = (self.inputs @ self.inputs.mT) * (self.slopes @ self.slopes.mT)  # (..., n, n)
        return (self.slopes * across).sum((-2, -1)), square.sum((-2, -1))


def taps(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """For each layer whose gradient on images x (B, C, H, W) is large and cheaper in factors."""
    names = {id(p): name for name, p in model.named_parameters() if p.numel() >= LARGE}
    outputs: dict[str, list[Tensor]] = {name: [] for name in names.values()}

    def look(layer: nn.Linear | nn.Conv2d, _: object, y: Tensor) -> None:
        outputs[names[id(layer.weight)]].append(y if isinstance(layer, nn.Linear) else y.movedim(1, -1))

    layers = [m for m in model.modules() if type(m) is nn.Linear or (type(m) is nn.Conv2d and m.groups == 1)]
    hooks = [layer.register_forward_hook(look) for layer in layers if id(layer.weight) in names]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    once = {name: found[0] for name, found in outputs.items() if len(found) == 1}
    return {k: y.new_zeros(y.shape) for k, y in once.items() if few(y, model.get_parameter(k))}


def few(y: Tensor, weight: Tensor) -> bool:
    """Whether outputs y (B, ..., out) have so few rows that products of inputs and of slopes cost less than δᵀA."""
    out, size = len(weight), weight[0].numel()
    return 2 * (y.numel() // out) * (out + size) <= out * size


class Tapped(TorchFunctionMode):
    """While it is entered, the layers of these weights add their taps, and `inputs` gathers their A (n, in)."""

    def __init__(self, taps: Taps, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.taps, self.inputs = taps, dict[str, Tensor]()
        self.names = {id(weights[name]): name for name in taps}

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = self.names.get(id(args[1])) if function in (F.linear, F.conv2d) else None
        if name is None:
            return function(*args, **(kwargs or {}))
        x, weight, bias, *how = args
        if how:
            stride, padding, dilation, _ = how
            x = F.unfold(x, weight.shape[2:], dilation, padding, stride).mT  # (B, places, in)
        rows = self.inputs[name] = x.flatten(0, -2)
        y = (rows @ weight.flatten(1).mT).view_as(self.taps[name]) + self.taps[name]
        y = y if bias is None else y + bias
        return y.movedim(-1, 1) if how else y
