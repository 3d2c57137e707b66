"""Fully connected networks, in the sizes of PRECODE and of the Dropout Inversion Attack."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import ACTIVATIONS, Activation, Slot, begin_layers
from gradleak_core.types import Knob, Need


@dataclass(frozen=True)
class MLP:
    """Hidden linear layers of one width, each with an activation, and a linear classifier.

    The defaults are PRECODE's network (Scheliga et al. 2022): 2 × 1024, ReLU, biases.
    The Dropout Inversion Attack's network (Scheliga et al. 2023) has width 512, depth 3, GELU and no biases.
    At 32 × 32 × 3 with 10 classes they have 4,206,602 and 2,102,272 parameters.
    """

    width: Annotated[int, Knob("Width", "Units of a hidden layer; PRECODE has 1024, DIA 512.", 16, 2048)] = 1024
    depth: Annotated[int, Knob("Depth", "Number of hidden layers; PRECODE has 2, DIA 3.", 1, 8)] = 2
    activation: Annotated[Activation, Knob("Activation", "PRECODE has relu, DIA gelu.")] = "relu"
    bias: Annotated[bool, Knob("Biases", "With biases one image can be read off the first layer; DIA has none.")] = True
    normalise: Annotated[bool, Knob("Normalise", "Maps images from [0, 1] to [-2, 2] first.")] = True
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "MLP"
    parallel_from: ClassVar[int] = 32
    work: ClassVar[Work] = Work(
        parameters=(
            (1, ("channels", "size", "size", "width")),
            (1, ("depth", "width", "width")),
            (-1, ("width", "width")),
            (1, ("width", "classes")),
            (1, ("depth", "width")),
            (1, ("classes",)),
        ),
        values=((3, ("channels", "size", "size")), (2, ("depth", "width"))),
        nanoseconds=((1, ("channels", "size", "size", "width")), (1, ("depth", "width", "width"))),
    )
    facts: ClassVar[tuple[str, ...]] = ("linear_first",)
    needs: ClassVar[tuple[Need, ...]] = (
        between("size", 8, 64, "The MLP reads 8 to 64 pixels a side; its first layer grows with the square of it."),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        layers = begin_layers(self.normalise)
        layers["flatten"] = nn.Flatten()
        fan_in = prod(shape)
        for i in range(1, self.depth + 1):
            layers[f"linear{i}"] = nn.Linear(fan_in, self.width, bias=self.bias)
            layers[f"act{i}"] = ACTIVATIONS[self.activation]()
            layers[f"slot{i}"] = Slot("inside" if i < self.depth else "before_classifier")
            fan_in = self.width
        layers["classifier"] = nn.Linear(self.width, classes, bias=self.bias)
        return nn.Sequential(layers)
