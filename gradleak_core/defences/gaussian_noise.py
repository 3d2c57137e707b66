"""Gaussian noise on the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class GaussianNoise(Defence):
    """Adds N(0, std²) to every entry of the update. Zhu et al. 2019.

    The noise is added after averaging and its scale is absolute, not relative to a clipping norm.
    """

    std: Annotated[
        float, Knob("Deviation", "How strong the noise is: the standard deviation on each entry.", 1e-8, 10, log=True)
    ] = 0.01
    title: ClassVar[str] = "Gaussian noise"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        return {k: g + self.std * torch.empty_like(g).normal_(generator=generator) for k, g in update.items()}
