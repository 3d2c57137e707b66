"""The layers GradLeak adds to PyTorch's: normalisation, dropout whose draw is a buffer, frozen batch norm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Place = Literal["inside", "before_classifier"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}
Activation = Literal["sigmoid", "tanh", "relu", "leaky_relu", "gelu", "silu"]


class Normalise(nn.Module):
    """Maps images from [0, 1] to zero mean and unit spread: (x - 0.5) / 0.25."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - 0.5) * 4


class Slot(nn.Identity):
    """A named place where a defence may put a layer; does nothing until then."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class Dropout(nn.Module):
    """Inverted dropout as data: y = x * draw, where draw = mask / (1 - p) and mask ~ Bernoulli(1 - p).

    `draw` is a buffer that whoever computes with the model replaces; left alone it is 1, the mean.
    """

    draw: Tensor

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.register_buffer("draw", torch.ones(()))

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """A fresh draw for activations of this shape, on the CPU."""
        kept = torch.rand(shape, generator=generator) >= self.p
        return kept.float() / (1 - self.p)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.draw


class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm that never changes its running statistics, so that a forward pass has no side effect.

    Train mode normalises by the batch's own mean and variance, eval mode by the running ones.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


def stochastic(model: nn.Module) -> Iterator[tuple[str, Dropout]]:
    """The stochastic layers with the names of their `draw` buffers."""
    for name, module in model.named_modules():
        if isinstance(module, Dropout):
            yield f"{name}.draw", module
