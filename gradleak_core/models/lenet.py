"""The LeNet of Deep Leakage from Gradients: three 5 × 5 convolutions and one linear layer."""

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

    It has 15,826 parameters at 32 × 32 × 3 with 10 classes. Images are not normalised. Two pictures of that size have
    more pixels than their update has independent numbers; with 32 channels even eight have fewer.
    """

    width: Annotated[int, Knob("Width", "Channels of each convolution; DLG has 12, a batch needs more.", 4, 64)] = 12
    activation: Annotated[Activation, Knob("Activation", "DLG needs a smooth one; ReLU makes it harder.")] = "sigmoid"
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Uniform(0.5)
    title: ClassVar[str] = "LeNet"
    parallel_from: ClassVar[int] = 64
    work: ClassVar[Work] = Work(
        parameters=((50, ("width", "width")), (80, ("width",)), (0.0625, ("size", "size", "width", "classes"))),
        values=((0.76, ("size", "size", "width")), (2, ("classes",))),
        nanoseconds=((40, ("size", "size", "width")), (0.7, ("size", "size", "width", "width"))),
    )
    facts: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "size", 16, 128, "The LeNet reads 16 to 128 pixels a side; its last layer grows with the square of it."
        ),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        channels, w, side = shape[0], self.width, -(-shape[1] // 4)
        act = ACTIVATIONS[self.activation]
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, w, 5, 2, 2),
                act1=act(),
                slot1=Slot("inside"),  # (B, w, H/2, W/2)
                conv2=nn.Conv2d(w, w, 5, 2, 2),
                act2=act(),
                slot2=Slot("inside"),  # (B, w, H/4, W/4)
                conv3=nn.Conv2d(w, w, 5, 1, 2),
                act3=act(),
                flatten=nn.Flatten(),  # (B, w · H/4 · W/4)
                slot3=Slot("before_classifier"),
                classifier=nn.Linear(w * side * side, classes),
            )
        )
