"""How far a guessed update lies from the observed one: the *distance* that gradient matching drives down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from gradleak_core.updates import Observed

Compared = Mapping[str, Any]
"""A guessed update: one tensor (S, ...) a parameter, or what stands for it where only products are asked for."""
Measure = Callable[[Compared], Tensor]
"""Gives the distance (S,) of a guessed update."""


class Distance(Protocol):
    """A kind of distance. `to(seen)` looks at the observed update once, and gives the distance of guesses to it."""

    title: ClassVar[str]
    by_products: ClassVar[bool] = False
    """True if the distance asks for ⟨g', g⟩ and ‖g'‖² and for nothing else."""

    def to(self, seen: Observed) -> Measure: ...


@dataclass(frozen=True)
class Squared(Distance):
    """The sum of squared differences over all parameters: Σ ‖g' − g‖². Zhu et al. 2019, eq. 4."""

    title: ClassVar[str] = "Squared difference"

    def to(self, seen: Observed) -> Measure:
        return seen.difference


@dataclass(frozen=True)
class Absolute(Distance):
    """The sum of absolute differences, the likeliest guess when the defence adds Laplace noise: Σ |g' − g|."""

    title: ClassVar[str] = "Absolute difference"

    def to(self, seen: Observed) -> Measure:
        def distance(guess: Compared) -> Tensor:
            return torch.stack([(guess[k] - g).abs().flatten(1).sum(1) for k, g in seen.update.items()]).sum(0)

        return distance


@dataclass(frozen=True)
class Cosine(Distance):
    """One minus the cosine of the whole update: 1 − ⟨g', g⟩ / (‖g'‖ ‖g‖). Geiping et al. 2020, eq. 4."""

    title: ClassVar[str] = "Cosine"
    by_products: ClassVar[bool] = True

    def to(self, seen: Observed) -> Measure:
        def distance(guess: Compared) -> Tensor:
            dot, square = seen.products(guess)
            return 1 - dot / ((square.sqrt() + 1e-12 * seen.norm) * seen.norm)

        return distance


@dataclass(frozen=True)
class Norms(Distance):
    """The sum of the norms, not squared, of each tensor's difference: Σ_l ‖g'_l − g_l‖. Yin et al. 2021, eq. 4."""

    title: ClassVar[str] = "Norms"

    def to(self, seen: Observed) -> Measure:
        return lambda guess: (seen.differences(guess) + 1e-20).sqrt().sum(0)


@dataclass(frozen=True)
class GaussianKernel(Distance):
    """SAPAG's kernel: Σ_l φ(d_l), with d_l = ‖g'_l − g_l‖² / n_l and s_l = Var(g_l) over the n_l entries of layer l.

    φ(d) = 1 − exp(−d / 2s) while d ≤ s. Farther away that is flat and nothing would move, so the width is annealed by
    the difference itself, s(d) = max(s, d); the function with that slope is 1 − e^(−½) + ½ e^(−½) ln(d / s).
    Wang et al. 2020.
    """

    title: ClassVar[str] = "Gaussian kernel"

    def to(self, seen: Observed) -> Measure:
        layers = seen.update.values()
        spread = [g.var(correction=0) if g.numel() > 1 else g.square().mean() for g in layers]
        width = torch.stack([s.clamp(min=1e-20) * g.numel() for s, g in zip(spread, layers, strict=True)])[:, None]

        def distance(guess: Compared) -> Tensor:
            d = seen.differences(guess) / width  # (layers, S)
            near = -torch.expm1(-d.clamp(max=1) / 2)
            far = 1 - exp(-0.5) + 0.5 * exp(-0.5) * d.clamp(min=1).log()
            return torch.where(d <= 1, near, far).sum(0)

        return distance


DISTANCES: dict[str, type[Distance]] = {
    "squared": Squared,
    "cosine": Cosine,
    "absolute": Absolute,
    "norms": Norms,
    "gaussian_kernel": GaussianKernel,
}
