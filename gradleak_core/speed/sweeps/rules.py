"""The rules by which the modules of a network become layers of the sweeps, a convolution and its batch norm one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradleak_core.models.layers import BatchNorm2d, Normalise, Slot
from gradleak_core.models.resnet20 import Block
from gradleak_core.speed.factored import is_plain
from gradleak_core.speed.sweeps.convolutions import Kernel
from gradleak_core.speed.sweeps.layers import (
    POINTWISE,
    AppliedLayer,
    BatchNorm,
    Chain,
    Fixed,
    Layer,
    Linear,
    ResidualSum,
    flatten,
    pool,
    subsample,
)
from gradleak_core.types import Update

LayerRule = Callable[[str, Any, Update], Layer | None]
"""Returns the layer for a module named so in θ; None when the module is set in a way that the sweeps cannot follow."""


def chain_layers(modules: Iterable[tuple[str, nn.Module]], theta: Update) -> Layer | None:
    """Returns the composition of modules with these names in θ; None when one of them has no rule."""
    layers: list[tuple[int, Layer]] = []
    for name, module in modules:
        if type(module) is Slot:
            continue
        mine = {k: p.detach() for k, p in theta.items() if k.startswith(f"{name}.")}
        layer, count = find_layer(name, module, mine), len(mine)
        if layer is None and layers and isinstance(kernel := layers[-1][1], Kernel):
            layer = fold_norm(kernel, module, [*mine.values()])
            count += layers.pop()[0]
        if layer is None:
            return None
        layers.append((count, layer))
    return partial(Chain, layers)


def find_layer(name: str, module: nn.Module, theta: Update) -> Layer | None:
    """Returns the layer for a module by the rule for its type; None where there is none."""
    rule = LAYER_RULES.get(type(module))
    return None if rule is None else rule(name, module, theta)


class NormedKernel:
    """A convolution of weights W and bias b, and after it batch norm by running statistics, γ (x − μ) / σ + β.

    Together they are a convolution of weights a W and bias a (b − μ) + β, where a = γ / σ.
    """

    def __init__(self, kernel: Kernel, gamma: Tensor, beta: Tensor, mean: Tensor, spread: Tensor) -> None:
        self.flat, self.biased, self.spread = kernel.flat, kernel.bias is not None, spread
        self.scale = gamma / spread  # a (out,)
        self.centred = -mean if kernel.bias is None else kernel.bias - mean  # b − μ (out,)
        bias = self.scale * self.centred + beta  # (out,)
        self.both = replace(kernel, weight=kernel.weight * self.scale[:, None, None, None], bias=bias, layouts={})

    def __call__(self, x: Tensor, restarts: int) -> AppliedLayer:
        return Normed(self, self.both(x, restarts))


class Normed(AppliedLayer):
    """A `NormedKernel` applied to an input. Its parameters are W, b (if any), γ and β."""

    def __init__(self, kernel: NormedKernel, both: AppliedLayer) -> None:
        self.kernel, self.both, self.y = kernel, both, both.y

    def backward(self, cotangent: Tensor, *, input_grad: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        kernel, (input_cotangent, (grad, beta)) = self.kernel, self.both.backward(cotangent, input_grad=input_grad)
        grad = grad.flatten(2)  # in a W (S, out, C · kernel)
        gamma = torch.addcmul((grad * kernel.flat).sum(2), kernel.centred, beta) / kernel.spread  # (S, out)
        bias = (kernel.scale * beta,) if kernel.biased else ()  # (S, out)
        return input_cotangent, (grad * kernel.scale[:, None], *bias, gamma, beta)

    def jvp(self, tangent: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        kernel, (weight, *bias, gamma, beta) = self.kernel, v
        stretch = gamma / kernel.spread  # tangent of a (S, out)
        shift = torch.addcmul(beta, stretch, kernel.centred)  # tangent of a (b − μ) + β (S, out)
        if bias:
            shift = torch.addcmul(shift, bias[0], kernel.scale)
        both = torch.addcmul(weight.flatten(2) * kernel.scale[:, None], stretch[:, :, None], kernel.flat)
        return self.both.jvp(tangent, (both.view_as(weight), shift))  # both (S, out, C · kernel): tangent of a W

    def backward_jvp(self, cotangent_tangent: Tensor) -> Tensor:
        return self.both.backward_jvp(cotangent_tangent)


def fold_norm(kernel: Kernel, module: nn.Module, theta: Sequence[Tensor]) -> Layer | None:
    """Returns a convolution with the batch norm after it; None unless that uses its running statistics."""
    if not isinstance(module, BatchNorm2d) or module.training or len(theta) != 2:
        return None
    gamma, beta = theta
    assert module.running_mean is not None
    assert module.running_var is not None
    return NormedKernel(kernel, gamma, beta, module.running_mean, (module.running_var + module.eps).sqrt())


def sweep_linear(name: str, module: nn.Linear, theta: Update) -> Layer | None:
    """Returns a linear layer whose weight is in θ, with or without a bias."""
    weight = theta.get(f"{name}.weight")
    return None if weight is None else partial(Linear, weight, theta.get(f"{name}.bias"))


def sweep_convolution(name: str, module: nn.Conv2d, theta: Update) -> Layer | None:
    """Returns a convolution whose weight is in θ, in one group and without dilation."""
    weight = theta.get(f"{name}.weight")
    if weight is None or not is_plain(module) or module.dilation != (1, 1):
        return None
    assert not isinstance(module.padding, str)
    return Kernel(weight, theta.get(f"{name}.bias"), module.stride, module.padding)


def sweep_batch_norm(name: str, module: BatchNorm2d, theta: Update) -> Layer | None:
    """Returns a batch norm by the batch's own statistics."""
    weight, bias = theta.get(f"{name}.weight"), theta.get(f"{name}.bias")
    if not module.training or weight is None or bias is None:
        return None
    return partial(BatchNorm, weight, bias, module.eps)


def sweep_pool(name: str, module: nn.AdaptiveAvgPool2d, theta: Update) -> Layer | None:
    """Returns an adaptive average pool with square outputs."""
    return partial(pool, module.output_size) if isinstance(module.output_size, int) else None


def sweep_sequence(name: str, module: nn.Sequential, theta: Update) -> Layer | None:
    """Returns the composition of a module's children."""
    return chain_layers(((f"{name}.{part}", child) for part, child in module.named_children()), theta)


def sweep_block(name: str, module: Block, theta: Update) -> Layer | None:
    """Returns a residual block: the activation of the sum of its branch and its subsampled input."""
    *inner, (_, act) = ((f"{name}.{part}", child) for part, child in module.named_children())
    branch, last = chain_layers(inner, theta), find_layer(name, act, {})
    if branch is None or last is None:
        return None
    shortcut = partial(subsample, module.stride, module.extra)
    return partial(Chain, [(len(theta), partial(ResidualSum, branch, shortcut)), (0, last)])


LAYER_RULES: dict[type[nn.Module], LayerRule] = {
    nn.Linear: sweep_linear,
    nn.Conv2d: sweep_convolution,
    BatchNorm2d: sweep_batch_norm,
    nn.AdaptiveAvgPool2d: sweep_pool,
    nn.Flatten: lambda name, module, theta: flatten,
    Normalise: lambda name, module, theta: partial(Fixed, module.forward, lambda cotangent: cotangent * 4),
    nn.Sequential: sweep_sequence,
    Block: sweep_block,
    **{kind: lambda name, module, theta: POINTWISE[type(module)] for kind in POINTWISE},
}
