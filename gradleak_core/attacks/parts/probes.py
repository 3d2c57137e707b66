"""Random pictures on which a network is measured in place of the private ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from gradleak_core.models.hooks import watching
from gradleak_core.types import Knob

Noise = Literal["white", "pink"]
SPREAD = 0.25
"""The standard deviation of the pixels of pink noise, before they are clamped to [0, 1]."""


def noise(kind: Noise, count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Draws random pictures (count, C, H, W) in [0, 1].

    White noise is U(0, 1) in each pixel. Pink noise lies around grey and has amplitudes ∝ 1 / f, as photographs have on
    average; its channels are equal, as theirs nearly are.
    """
    if kind == "white":
        return torch.rand(count, *shape, generator=generator)
    _, height, width = shape
    down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)  # (H, 1), (W // 2 + 1)
    frequency = (down.square() + across.square()).sqrt().clamp(min=1 / max(height, width))  # (H, W // 2 + 1)
    spectrum = torch.fft.rfft2(torch.randn(count, 1, height, width, generator=generator)) / frequency
    waves: Tensor = torch.fft.irfft2(spectrum, s=(height, width))  # (count, 1, H, W)
    pictures = 0.5 + SPREAD * waves / waves.std()
    return pictures.clamp(0, 1).expand(count, *shape)


@dataclass(frozen=True)
class Probing:
    """A measurement of a network on random pictures, as an estimate of its outputs for the private ones."""

    probes: Annotated[
        int, Knob("Random pictures", "How many pictures the network is measured on.", 1, 4096, log=True)
    ] = 256
    noise: Annotated[Noise, Knob("Noise", "white: independent pixels; pink: smooth, as photographs are.")] = "white"

    def measured(self, model: nn.Module, shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """Returns the mean prediction (classes,) and mean feature sum () over random pictures of `shape` (C, H, W)."""
        classifier = model.get_submodule("classifier")
        generator = torch.Generator().manual_seed(0)
        pictures = noise(self.noise, self.probes, shape, generator).to(next(classifier.parameters()))
        with watching({"classifier": classifier}, lambda _, features, __: features) as seen, torch.no_grad():
            predictions = [model(some).softmax(1) for some in torch.split(pictures, 32)]
        return torch.cat(predictions).mean(0), torch.cat(seen["classifier"]).sum(1).mean()
