"""What the attacker believes of pictures before seeing the update. Each is a named term of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from torch import Tensor

from gradleak_core.types import Candidate, Knob

WEIGHT = Knob("Weight", "How much this counts beside the match.", 0, 100, log=True)
EARLY = Knob("Early factor", "How many times its weight it counts at first; 1 keeps it constant.", 1, 1000, log=True)
SETTLED = 0.8
"""The share of the run after which an early factor is gone."""


class Prior(Protocol):
    """Of a guess, as (S,), before its weight."""

    title: ClassVar[str]

    def weight_at(self, done: float) -> float:
        """What it counts when this share of the run, in [0, 1], is done."""
        ...

    def __call__(self, guess: Candidate) -> Tensor: ...


@dataclass(frozen=True)
class TotalVariation:
    """Mean absolute difference of neighbouring pixels, down plus across. Geiping et al. 2020, eq. 4.

    The weight can start `early` times as high and fall to its own value, by equal factors in equal times, over the
    first four fifths of the run: large shapes first, detail later. A factor of 1 keeps it constant, as in the paper.
    """

    weight: Annotated[float, WEIGHT] = 1e-4
    early: Annotated[float, EARLY] = 1.0
    title: ClassVar[str] = "Total variation"

    def weight_at(self, done: float) -> float:
        return self.weight * float(self.early ** (1 - min(done / SETTLED, 1)))

    def __call__(self, guess: Candidate) -> Tensor:
        x = guess.images  # (S, B, C, H, W)
        across = (x[..., :, 1:] - x[..., :, :-1]).abs().flatten(1).mean(1)
        down = (x[..., 1:, :] - x[..., :-1, :]).abs().flatten(1).mean(1)
        return across + down


@dataclass(frozen=True)
class Box:
    """Mean squared distance of the pixels to [0, 1], for optimisers that cannot clamp. Geng et al. 2021."""

    weight: Annotated[float, WEIGHT] = 1e-2
    title: ClassVar[str] = "Box"

    def weight_at(self, done: float) -> float:
        return self.weight

    def __call__(self, guess: Candidate) -> Tensor:
        x = guess.images
        return (x - x.clamp(0, 1)).square().flatten(1).mean(1)


PRIORS: dict[str, type[Prior]] = {"total_variation": TotalVariation, "box": Box}
