"""How far a guessed update lies from the observed one: the *match* that every attack drives down."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
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


@dataclass(frozen=True)
class Norms:
    """Sum of the norms, not squared, of each tensor's difference: Σ_l ‖g'_l − g_l‖. Yin et al. 2021, eq. 4."""

    title: ClassVar[str] = "Norms"

    def __call__(self, guess: Update, seen: Update) -> Tensor:
        return total([((guess[k] - g).square().flatten(1).sum(1) + 1e-20).sqrt() for k, g in seen.items()])


@dataclass(frozen=True)
class GaussianKernel:
    """SAPAG's kernel: Σ_l φ(d_l), with d_l = ‖g'_l − g_l‖² / n_l and s_l = Var(g_l) over the n_l entries of layer l.

    φ(d) = 1 − exp(−d / 2s) while d ≤ s. Farther away that is flat and nothing would move, so the width is annealed by
    the difference itself, s(d) = max(s, d); the function with that slope is 1 − e^(−½) + ½ e^(−½) ln(d / s).
    Wang et al. 2020.
    """

    title: ClassVar[str] = "Gaussian kernel"

    def __call__(self, guess: Update, seen: Update) -> Tensor:
        terms = []
        for k, g in seen.items():
            width = g.var(correction=0).clamp(min=1e-20) if g.numel() > 1 else g.square().mean().clamp(min=1e-20)
            d = (guess[k] - g).square().flatten(1).mean(1) / width  # (S,)
            near = -torch.expm1(-d.clamp(max=1) / 2)
            far = 1 - exp(-0.5) + 0.5 * exp(-0.5) * d.clamp(min=1).log()
            terms.append(torch.where(d <= 1, near, far))
        return total(terms)


def total(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum(0)


DISTANCES: dict[str, type[Distance]] = {
    "squared": Squared,
    "cosine": Cosine,
    "absolute": Absolute,
    "norms": Norms,
    "gaussian_kernel": GaussianKernel,
}
