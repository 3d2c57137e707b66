"""ResNet-18 as torchvision has it, laid out as a sequence so that defences find their places.

Its layers have torchvision's names and, for colour pictures, the weights that torchvision draws from a seed. To import
torchvision takes as long as to import torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor, nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import BatchNorm2d, Slot, begin_layers
from gradleak_core.types import Clause, Knob, Need


class ProjectedBlock(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut, which is a 1 × 1 convolution where the shape changes (option B)."""

    def __init__(self, fan_in: int, fan_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(fan_in, fan_out, 3, stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(fan_out)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(fan_out)
        self.downsample = nn.Sequential()
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(fan_in, fan_out, 1, stride, bias=False), BatchNorm2d(fan_out))

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out: Tensor = self.relu(inner + self.downsample(x))
        return out


@dataclass(frozen=True)
class ResNet18:
    """ResNet-18 for ImageNet, untrained, as in torchvision: the 7 × 7 stem halves the image twice. He et al. 2016.

    It has 11,181,642 parameters at 3 channels with 10 classes.
    """

    normalise: Annotated[bool, Knob("Normalise", "Maps images from [0, 1] to [-2, 2] first.")] = True
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "ResNet-18"
    parallel_from: ClassVar[int] = 32
    layers: ClassVar[tuple[str, ...]] = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "classifier")
    """The network's parts with parameters, which a form offers to hide."""
    work: ClassVar[Work] = Work(
        parameters=((11200000.0, ()), (513, ("classes",))),
        values=((20000, ()), (180, ("size", "size"))),
        nanoseconds=((20000, ("size", "size")),),
    )
    facts: ClassVar[tuple[str, ...]] = ("batch_norm", "relu")
    needs: ClassVar[tuple[Need, ...]] = (
        between("size", 16, 224, "ResNet-18 reads 16 to 224 pixels a side; it is made for 224."),
        Need(
            "ResNet-18 shrinks 32 pixels to one, and batch norm in train mode cannot normalise a single value; "
            "use eval mode, at least 2 images in every local step, or more than 32 pixels a side.",
            (Clause("train", high=0), Clause("step_images", low=2), Clause("size", low=33)),
        ),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        layers = begin_layers(self.normalise)
        layers["conv1"] = nn.Conv2d(shape[0], 64, 7, 2, padding=3, bias=False)
        layers["bn1"] = BatchNorm2d(64)
        layers["relu"] = nn.ReLU()
        layers["maxpool"] = nn.MaxPool2d(3, 2, padding=1)
        fan_in = 64
        for i, fan_out in enumerate((64, 128, 256, 512), start=1):
            blocks = [ProjectedBlock(fan_in, fan_out, 1 if i == 1 else 2), ProjectedBlock(fan_out, fan_out, 1)]
            layers[f"layer{i}"] = nn.Sequential(*blocks, *([Slot("inside")] if i < 4 else []))
            fan_in = fan_out
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["slot"] = Slot("before_classifier")
        layers["classifier"] = nn.Linear(fan_in, classes)
        network = nn.Sequential(layers)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        return network
