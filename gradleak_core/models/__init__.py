"""The models that a client may train. A model is a frozen row of knobs; `build` makes the network."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar, Protocol

import torch
from torch import nn

from gradleak_core.config.demand import Work
from gradleak_core.models.inits import INITS, Init, Weighted
from gradleak_core.types import Need

__all__ = ["INITS", "MODELS", "Model", "build"]


class Model(Protocol):
    """A row of `MODELS`. The network's last linear layer is named `classifier`."""

    title: ClassVar[str]
    parallel_from: ClassVar[int]
    """The number of images from which all CPU threads are faster than one, for a single restart."""
    work: ClassVar[Work]
    """The costs of one image, from which the demand of a run is estimated before it begins."""
    needs: ClassVar[tuple[Need, ...]]
    facts: ClassVar[tuple[str, ...]]
    """The facts of `config.needs.FACTS` that hold for every such network; `relu` only if no knob sets it."""

    @property
    def init(self) -> Init: ...
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module: ...


MODEL_CLASSES = {
    "mlp": "MLP",
    "lenet": "LeNet",
    "convnet": "ConvNet",
    "resnet20": "ResNet20",
    "resnet18": "ResNet18",
    "vit": "ViT",
}
"""The modules in the order of every list, each with its class; a kind has the name of its module."""
MODELS: dict[str, type[Model]] = {
    kind: getattr(import_module(f"{__name__}.{kind}"), name) for kind, name in MODEL_CLASSES.items()
}


def build(model: Model, shape: tuple[int, int, int], classes: int, *, seed: int) -> nn.Module:
    """Returns the network for images of `shape` (C, H, W), on the CPU in eval mode; the seed draws its weights.

    The state of torch's global generator stays the same.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = model.build(shape, classes)
        for layer in network.modules():
            if isinstance(layer, Weighted):
                model.init.draw(layer)
    return network.eval()
