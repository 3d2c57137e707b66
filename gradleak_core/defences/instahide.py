"""Training on encrypted mixtures of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from gradleak_core.defences.mixup import Mixup
from gradleak_core.types import Knob


@dataclass(frozen=True)
class InstaHide(Mixup):
    """Mixup, then a random sign for every pixel: s ⊙ Σ λ_i x_i with s in {−1, +1}. Huang et al. 2020.

    Signs turn pixels around grey, 0.5 + s (x − 0.5), so that they stay in [0, 1]. An attack can bring back only the
    encrypted mixture.
    """

    images_mixed: Annotated[int, Knob("Images mixed", "How many images make one mixture; the paper has 4.", 2, 6)] = 4
    title: ClassVar[str] = "InstaHide"
    instead: ClassVar[str] = "encrypted mixture"

    def inputs(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, labels = super().inputs(images, labels, generator)
        signs = torch.empty_like(images).bernoulli_(0.5, generator=generator) * 2 - 1
        return 0.5 + signs * (images - 0.5), labels
