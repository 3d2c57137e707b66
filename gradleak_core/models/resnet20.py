"""The 20-layer residual network for CIFAR: three stages of three blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import ACTIVATIONS, Activation, BatchNorm2d, Slot, begin_layers
from gradleak_core.types import Knob, Need


class Block(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut without parameters (He et al.'s option A)."""

    def __init__(self, fan_in: int, fan_out: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.stride, self.extra = stride, fan_out - fan_in
        self.conv1 = nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, bias=False)
        self.norm1 = BatchNorm2d(fan_out)
        self.act1 = ACTIVATIONS[activation]()
        self.conv2 = nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False)
        self.norm2 = BatchNorm2d(fan_out)
        self.act2 = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.norm2(self.conv2(self.act1(self.norm1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.extra))  # new channels are zero
        out: Tensor = self.act2(inner + shortcut)
        return out


@dataclass(frozen=True)
class ResNet20:
    """ResNet-20 for CIFAR with shortcuts of option A. He et al. 2016, section 4.2.

    It has 269,722 parameters at 32 × 32 × 3 with 10 classes and width 1. Width 4 comes near the ResNet20-4 of Geiping
    et al. 2020.
    """

    width: Annotated[int, Knob("Width", "Multiplies the 16, 32 and 64 channels of the stages.", 1, 4)] = 1
    activation: Annotated[Activation, Knob("Activation", "Applied after every batch norm and sum.")] = "relu"
    normalise: Annotated[bool, Knob("Normalise", "Maps images from [0, 1] to [-2, 2] first.")] = True
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "ResNet-20"
    parallel_from: ClassVar[int] = 16
    work: ClassVar[Work] = Work(
        parameters=((272000, ("width", "width")), (64, ("width", "classes"))),
        values=((735, ("size", "size", "width")),),
        nanoseconds=((12000, ("size", "size", "width", "width")),),
    )
    facts: ClassVar[tuple[str, ...]] = ("batch_norm",)
    needs: ClassVar[tuple[Need, ...]] = (
        between("size", 8, 64, "ResNet-20 reads 8 to 64 pixels a side; larger images suit ResNet-18."),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        layers = begin_layers(self.normalise)
        fan_in = 16 * self.width
        layers["conv"] = nn.Conv2d(shape[0], fan_in, 3, padding=1, bias=False)
        layers["norm"] = BatchNorm2d(fan_in)
        layers["act"] = ACTIVATIONS[self.activation]()
        for i, channels in enumerate((16, 32, 64), start=1):
            fan_out, stride = channels * self.width, 1 if i == 1 else 2
            layers[f"slot{i}"] = Slot("inside")
            layers[f"stage{i}"] = nn.Sequential(
                Block(fan_in, fan_out, stride, self.activation),
                Block(fan_out, fan_out, 1, self.activation),
                Block(fan_out, fan_out, 1, self.activation),
            )
            fan_in = fan_out
        layers["pool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["slot4"] = Slot("before_classifier")
        layers["classifier"] = nn.Linear(fan_in, classes)
        return nn.Sequential(layers)
