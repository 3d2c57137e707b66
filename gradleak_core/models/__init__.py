"""The models a client may train. A model is a frozen row of knobs; `build` makes the network."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar, Protocol

import torch
from torch import nn

from gradleak_core.demand import Work
from gradleak_core.models.inits import INITS, Init, Weighted
from gradleak_core.types import Need

__all__ = ["INITS", "MODELS", "Model", "build"]


class Model(Protocol):
    """A row of `MODELS`. The network's last linear layer is named `classifier`."""

    title: ClassVar[str]
    parallel_from: ClassVar[int]
    """Images from which all CPU threads are faster than one, for one seed."""
    work: ClassVar[Work]
    """What one image costs it, from which the demand of a run is estimated before it begins."""
    needs: ClassVar[tuple[Need, ...]]
    facts: ClassVar[tuple[str, ...]]
    """What it brings into an experiment, of `config.needs.FACTS`; of ReLUs it speaks where no knob does."""

    @property
    def init(self) -> Init: ...
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module: ...


NAMES = {
    "mlp": "MLP",
    "lenet": "LeNet",
    "convnet": "ConvNet",
    "resnet20": "ResNet20",
    "resnet18": "ResNet18",
    "vit": "ViT",
}
"""The modules, in the order of every list, each with the class in it; each kind is called like its module."""
MODELS: dict[str, type[Model]] = {
    kind: getattr(import_module(f"{__name__}.{kind}"), name) for kind, name in NAMES.items()
}


def build(model: Model, shape: tuple[int, int, int], classes: int, *, seed: int) -> nn.Module:
    """The network for images of `shape` (C, H, W), on the CPU in eval mode; the seed draws its weights.

    Torch's global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = model.build(shape, classes)
        for layer in network.modules():
            if isinstance(layer, Weighted):
                model.init.draw(layer)
    return network.eval()
