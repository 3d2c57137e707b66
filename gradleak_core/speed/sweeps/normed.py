"""A convolution and the batch norm by running statistics after it, as one convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gradleak_core.speed.sweeps.convolutions import Kernel
from gradleak_core.speed.sweeps.layers import Applied


class NormedKernel:
    """A convolution of weights W and bias b, and after it batch norm by running statistics, γ (x − μ) / σ + β.

    Together they are a convolution of weights a W and bias a (b − μ) + β, where a = γ / σ.
    """

    def __init__(self, kernel: Kernel, gamma: Tensor, beta: Tensor, mean: Tensor, spread: Tensor) -> None:
        self.flat, self.biased, self.spread = kernel.flat, kernel.bias is not None, spread
        self.scale = gamma / spread
        self.centred = -mean if kernel.bias is None else kernel.bias - mean
        bias = self.scale * self.centred + beta
        self.both = replace(kernel, weight=kernel.weight * self.scale[:, None, None, None], bias=bias, kept={})

    def __call__(self, x: Tensor, restarts: int) -> Applied:
        return Normed(self, self.both(x, restarts))


class Normed(Applied):
    """The same, applied; its weights are W, b if there is one, γ and β."""

    def __init__(self, kernel: NormedKernel, both: Applied) -> None:
        self.kernel, self.both, self.y = kernel, both, both.y

    def backward(self, slope: Tensor, *, through: bool) -> tuple[Tensor | None, Sequence[Tensor]]:
        kernel, (before, (grad, beta)) = self.kernel, self.both.backward(slope, through=through)
        grad = grad.flatten(2)  # (S, out, C · kernel)
        gamma = torch.addcmul((grad * kernel.flat).sum(2), kernel.centred, beta) / kernel.spread
        bias = (kernel.scale * beta,) if kernel.biased else ()
        return before, (grad * kernel.scale[:, None], *bias, gamma, beta)

    def tangent(self, moved: Tensor | None, v: Sequence[Tensor]) -> Tensor:
        kernel, (weight, *bias, gamma, beta) = self.kernel, v
        stretch = gamma / kernel.spread
        shift = torch.addcmul(beta, stretch, kernel.centred)
        if bias:
            shift = torch.addcmul(shift, bias[0], kernel.scale)
        both = torch.addcmul(weight.flatten(2) * kernel.scale[:, None], stretch[:, :, None], kernel.flat)
        return self.both.tangent(moved, (both.view_as(weight), shift))

    def turned(self, slope: Tensor) -> Tensor:
        return self.both.turned(slope)
