"""Initialisations of untrained weights. They decide about an attack's success as much as the architecture does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from torch import nn

from gradleak_core.types import Knob

Weighted = (nn.Conv2d, nn.Linear)


class Init(Protocol):
    """An initialisation: draws a convolution's or linear layer's weights in place, from torch's global generator."""

    def draw(self, layer: nn.Module) -> None: ...


@dataclass(frozen=True)
class Default:
    """PyTorch's own initialisation of every layer."""

    title: ClassVar[str] = "PyTorch default"

    def draw(self, layer: nn.Module) -> None:
        pass


@dataclass(frozen=True)
class Uniform:
    """Weights and biases from U(-scale, scale), as in DLG."""

    scale: Annotated[float, Knob("Scale", "Largest absolute weight.", 1e-4, 5, log=True)] = 0.5
    title: ClassVar[str] = "Uniform"

    def draw(self, layer: nn.Module) -> None:
        for parameter in layer.parameters(recurse=False):
            nn.init.uniform_(parameter, -self.scale, self.scale)


@dataclass(frozen=True)
class Normal:
    """Weights from N(0, std²), and biases of zero."""

    std: Annotated[float, Knob("Deviation", "Standard deviation of the weights.", 1e-4, 5, log=True)] = 0.1
    title: ClassVar[str] = "Normal"

    def draw(self, layer: nn.Module) -> None:
        nn.init.normal_(layer.weight, std=self.std)  # type: ignore[arg-type]
        zero_bias(layer)


@dataclass(frozen=True)
class Xavier:
    """Xavier (Glorot) uniform weights of variance 2 / (fan in + fan out), and biases of zero."""

    title: ClassVar[str] = "Xavier"

    def draw(self, layer: nn.Module) -> None:
        nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]
        zero_bias(layer)


@dataclass(frozen=True)
class Kaiming:
    """Kaiming (He) normal weights of variance 2 / fan in, for ReLU, and biases of zero."""

    title: ClassVar[str] = "Kaiming"

    def draw(self, layer: nn.Module) -> None:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # type: ignore[arg-type]
        zero_bias(layer)


def zero_bias(layer: nn.Module) -> None:
    if isinstance(layer.bias, nn.Parameter):
        nn.init.zeros_(layer.bias)


INITS: dict[str, type[Init]] = {
    "default_init": Default,
    "uniform": Uniform,
    "normal": Normal,
    "xavier": Xavier,
    "kaiming": Kaiming,
}
