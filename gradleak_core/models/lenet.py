"""The LeNet of Deep Leakage from Gradients: three 5 × 5 convolutions of 12 channels and one linear layer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Init, Uniform
from gradleak_core.models.layers import ACTIVATIONS, Activation, Slot
from gradleak_core.types import Knob, Need


@dataclass(frozen=True)
class LeNet:
    """DLG's LeNet: three convolutions, strides 2, 2, 1, and a classifier. Zhu et al. 2019.

    It has 15,826 parameters at 32 × 32 × 3 with 10 classes. Images are not normalised.
    """

    activation: Annotated[Activation, Knob("Activation", "DLG needs a smooth one; ReLU makes it harder.")] = "sigmoid"
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Uniform(0.5)
    title: ClassVar[str] = "LeNet"
    parallel_from: ClassVar[int] = 64
    work: ClassVar[Work] = Work(
        parameters=((10000, ()), (0.75, ("size", "size", "classes"))),
        values=((9.1, ("size", "size")), (2, ("classes",))),
        nanoseconds=((590, ("size", "size")),),
    )
    facts: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "size", 16, 128, "The LeNet reads 16 to 128 pixels a side; its last layer grows with the square of it."
        ),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        channels, side = shape[0], -(-shape[1] // 4)
        act = ACTIVATIONS[self.activation]
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 12, 5, 2, 2),
                act1=act(),
                slot1=Slot("inside"),  # (B, 12, H/2, W/2)
                conv2=nn.Conv2d(12, 12, 5, 2, 2),
                act2=act(),
                slot2=Slot("inside"),  # (B, 12, H/4, W/4)
                conv3=nn.Conv2d(12, 12, 5, 1, 2),
                act3=act(),
                flatten=nn.Flatten(),  # (B, 12 · H/4 · W/4)
                slot3=Slot("before_classifier"),
                classifier=nn.Linear(12 * side * side, classes),
            )
        )
