"""Torchvision's ResNet-18, laid out as a sequence so that defences find their places."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import BatchNorm2d, Normalise, Slot
from gradleak_core.types import Clause, Knob, Need


@dataclass(frozen=True)
class ResNet18:
    """ResNet-18 for ImageNet, untrained, from torchvision: the 7 × 7 stem halves the image twice. He et al. 2016.

    It has 11,181,642 parameters at 3 channels with 10 classes.
    """

    normalise: Annotated[bool, Knob("Normalise", "Maps images from [0, 1] to [-2, 2] first.")] = True
    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "ResNet-18"
    parallel_from: ClassVar[int] = 32
    layers: ClassVar[tuple[str, ...]] = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "classifier")
    """The network's layers, written down because torchvision, which knows them, takes as long to import as torch."""
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
        from torchvision.models import resnet18  # takes as long to import as torch, and most runs do without

        network = resnet18(weights=None, num_classes=classes, norm_layer=BatchNorm2d)
        if shape[0] != 3:
            network.conv1 = nn.Conv2d(shape[0], 64, 7, 2, 3, bias=False)
        for module in network.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
        for stage in (network.layer1, network.layer2, network.layer3):
            stage.append(Slot("inside"))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if self.normalise:
            layers["normalise"] = Normalise()
        layers.update((name, child) for name, child in network.named_children() if name != "fc")
        layers.update(flatten=nn.Flatten(), slot=Slot("before_classifier"), classifier=network.fc)
        return nn.Sequential(layers)
