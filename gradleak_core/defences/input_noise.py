"""Noise on the pixels before the client trains on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob


@dataclass(frozen=True)
class InputNoise(Defence):
    """Trains on the image plus N(0, std²), clamped to [0, 1]. An attack can bring back only the noisy image."""

    std: Annotated[float, Knob("Deviation", "Standard deviation of the noise on a pixel in [0, 1].", 1e-4, 1)] = 0.1
    title: ClassVar[str] = "Input noise"
    instead: ClassVar[str] = "noisy picture"

    def inputs(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        noise = torch.empty_like(images).normal_(generator=generator)
        return (images + self.std * noise).clamp(0, 1), labels
