"""A convolution and the batch norm by running statistics after it, as one convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gradleak_core.speed.sweeps.convolutions import Kernel
from gradleak_core.speed.sweeps.layers import AppliedLayer


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
