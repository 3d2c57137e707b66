"""How far a guessed update lies from the observed one: the *match* that every attack drives down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from gradleak_core.types import Update


class Distance(Protocol):
    """Of a guess (S, ...) to what was seen, as (S,)."""

    title: ClassVar[str]

    def __call__(self, guess: Update, seen: Update) -> Tensor: ...


@dataclass(frozen=True)
class Squared:
    """Sum of squared differences over all parameters: Σ ‖g' − g‖². Zhu et al. 2019, eq. 4."""

    title: ClassVar[str] = "Squared difference"

    def __call__(self, guess: Update, seen: Update) -> Tensor:
        return total([(guess[k] - g).square().flatten(1).sum(1) for k, g in seen.items()])


@dataclass(frozen=True)
class Absolute:
    """Sum of absolute differences, the best match when the defence adds Laplace noise: Σ |g' − g|."""

    title: ClassVar[str] = "Absolute difference"

    def __call__(self, guess: Update, seen: Update) -> Tensor:
        return total([(guess[k] - g).abs().flatten(1).sum(1) for k, g in seen.items()])


@dataclass(frozen=True)
class Cosine:
    """One minus the cosine of the whole update: 1 − ⟨g', g⟩ / (‖g'‖ ‖g‖). Geiping et al. 2020, eq. 4."""

    title: ClassVar[str] = "Cosine"

    def __call__(self, guess: Update, seen: Update) -> Tensor:
        dot = total([(guess[k] * g).flatten(1).sum(1) for k, g in seen.items()])
        square = total([guess[k].square().flatten(1).sum(1) for k in seen])
        norm = total([g.square().sum() for g in seen.values()]).sqrt()
        return 1 - dot / (square.sqrt() * norm + 1e-12)


def total(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum(0)


DISTANCES: dict[str, type[Distance]] = {"squared": Squared, "cosine": Cosine, "absolute": Absolute}
