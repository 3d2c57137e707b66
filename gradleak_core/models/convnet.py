"""A small convolutional network with batch norm, the workhorse for Inverting Gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import ACTIVATIONS, Activation, BatchNorm2d, Slot, begin_layers
from gradleak_core.types import Knob, Need


@dataclass(frozen=True)
class ConvNet:
    """Four 3 × 3 convolutions with batch norm, pooling to a grid and a classifier.

    It is a quarter of the ConvNet of Geiping et al. 2020, so that two CPU cores suffice: widths w, w, 2w, 2w, the
    second convolution with stride 2. It has 76,010 parameters at 32 × 32 × 3 with 10 classes. A classifier that reads a
    grid of 1 × 1 sees the mean over all places, as a ResNet's does, and hardly tells where a thing is.
    """

    width: Annotated[int, Knob("Width", "Channels of the first layer; the last has twice as many.", 4, 128)] = 32
    activation: Annotated[Activation, Knob("Activation", "Applied after every batch norm.")] = "relu"
    normalise: Annotated[bool, Knob("Normalise", "Maps images from [0, 1] to [-2, 2] first.")] = True
    grid: Annotated[int, Knob("Grid", "Places a side that the classifier reads; 1 is their mean.", 1, 4)] = 4
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "ConvNet"
    parallel_from: ClassVar[int] = 8
    work: ClassVar[Work] = Work(
        parameters=((63, ("width", "width")), (2, ("grid", "grid", "width", "classes")), (100, ("width",))),
        values=((7.4, ("size", "size", "width")),),
        nanoseconds=((2.6, ("size", "size", "width", "width")),),
    )
    facts: ClassVar[tuple[str, ...]] = ("batch_norm",)
    needs: ClassVar[tuple[Need, ...]] = (
        between("size", 8, 224, "The ConvNet reads 8 to 224 pixels a side; above that a step takes seconds."),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        layers = begin_layers(self.normalise)
        fan_in, w = shape[0], self.width
        for i, (fan_out, stride) in enumerate([(w, 1), (w, 2), (2 * w, 1), (2 * w, 1)], start=1):
            layers[f"conv{i}"] = nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, bias=False)
            layers[f"norm{i}"] = BatchNorm2d(fan_out)
            layers[f"act{i}"] = ACTIVATIONS[self.activation]()
            if i < 4:
                layers[f"slot{i}"] = Slot("inside")
            fan_in = fan_out
        layers["pool"] = nn.AdaptiveAvgPool2d(self.grid)
        layers["flatten"] = nn.Flatten()  # (B, 2 · width · grid²)
        layers["slot4"] = Slot("before_classifier")
        layers["classifier"] = nn.Linear(2 * w * self.grid**2, classes)
        return nn.Sequential(layers)
