"""The layers that GradLeak adds to PyTorch's: normalisation, layers whose randomness is a buffer, frozen batch norm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from math import log
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


def begin_layers(normalise: bool) -> OrderedDict[str, nn.Module]:
    """Returns the layers that a network begins with, by name: the normalisation of its images, or none."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if normalise:
        layers["normalise"] = Normalise()
    return layers


class Slot(nn.Identity):
    """A named place where a defence may put a layer. It does nothing until then."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class Stochastic(nn.Module, ABC):
    """A layer whose randomness is the buffer `draw`; whoever computes with the model puts a draw in its place.

    An attacker who solves for a draw solves for draw / `unit`, within the interval `box` if there is one.
    """

    draw: Tensor
    unit: float = 1.0
    box: tuple[float, float] | None = None

    def __init__(self, mean: float) -> None:
        super().__init__()
        self.register_buffer("draw", torch.tensor(mean))

    def draw_shape(self, output: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape (B, ...) of the draw behind an output of shape `output`."""
        return output

    @abstractmethod
    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Returns a fresh draw of this shape, on the CPU."""


class DropoutLayer(Stochastic):
    """Inverted dropout as data: y = x * draw, where draw = mask / (1 - p) and mask ~ Bernoulli(1 - p).

    Until it is replaced, the draw is its mean, 1. An attacker solves for the mask, in [0, 1].
    """

    box = (0.0, 1.0)

    def __init__(self, p: float) -> None:
        super().__init__(1.0)
        self.p, self.unit = p, 1 / (1 - p)

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
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


FAINT = -40.0
"""The x below which ln softplus(x) is x to the last bit; below -104, softplus(x) underflows in single precision."""


def log_softplus(x: Tensor) -> Tensor:
    """Returns ln softplus(x), which is finite, with its slope, for every finite x."""
    bounded = x.clamp(min=FAINT)
    return F.softplus(bounded).log() + (x - bounded)


class VariationalBottleneck(Stochastic):
    """PRECODE's bottleneck: z = μ + ε σ with (μ, σ) = encoder(h), and decoder(z) in h's place. Scheliga et al. 2022.

    The draw is ε ~ N(0, I) of size `width`, in train and in eval mode; until it is replaced it is 0. σ is a softplus,
    not an exponential. A forward pass leaves `penalty` = β mean_b Σ_k ½ (μ² + σ² − 1 − 2 ln σ) / ln 2 for the loss.
    """

    penalty: Tensor | None = None

    def __init__(self, features: int, width: int, beta: float) -> None:
        super().__init__(0.0)
        self.width, self.beta = width, beta
        self.encoder = nn.Linear(features, 2 * width)
        self.decoder = nn.Linear(width, features)

    def draw_shape(self, output: tuple[int, ...]) -> tuple[int, ...]:
        return (output[0], self.width)

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator)

    def forward(self, h: Tensor) -> Tensor:
        mean, spread = self.encoder(h.flatten(1)).chunk(2, 1)  # (B, width) each
        sigma = F.softplus(spread)
        nats = 0.5 * (mean.square() + sigma.square() - 1 - 2 * log_softplus(spread)).sum(1).mean()
        self.penalty = self.beta * nats / log(2)
        out: Tensor = self.decoder(mean + self.draw * sigma).reshape(h.shape)
        return out


def stochastic(model: nn.Module) -> Iterator[tuple[str, Stochastic]]:
    """Yields the stochastic layers in order, each after the name of its `draw` buffer."""
    for name, module in model.named_modules():
        if isinstance(module, Stochastic):
            yield f"{name}.draw", module


def names_before_randomness(model: nn.Module) -> list[str]:
    """Returns the names of the parameters that come before the first stochastic layer; all of them if there is none."""
    first = next((name.removesuffix("draw") for name, _ in stochastic(model)), None)
    names = [name for name, _ in model.named_parameters()]
    if first is None:
        return names
    order = [f"{name}." for name, _ in model.named_modules()]
    owner = {name: f"{name.rpartition('.')[0]}." for name in names}
    return [name for name in names if order.index(owner[name]) < order.index(first)]
