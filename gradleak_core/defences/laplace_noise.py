"""Laplace noise on the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class LaplaceNoise(Defence):
    """Adds noise of density exp(-|n| / scale) / (2 scale) to every entry of the update. Zhu et al. 2019.

    Its standard deviation is scale · √2; Gaussian noise of that deviation compares with it.
    """

    scale: Annotated[
        float,
        Knob("Scale", "Mean absolute noise of an entry; its standard deviation is √2 times that.", 1e-8, 10, log=True),
    ] = 0.01
    title: ClassVar[str] = "Laplace noise"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        return {k: g + self.scale * laplace(g, generator) for k, g in update.items()}


def laplace(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draws Laplace(0, 1) noise in the shape of `like`: the difference of two exponentials, which is always finite."""
    first, second = (torch.empty_like(like).exponential_(generator=generator) for _ in range(2))
    return first - second
