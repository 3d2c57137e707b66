"""The *distance* between a guessed update and the observed one, which gradient matching makes small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from gradleak_core.updates import Observed

Compared = Mapping[str, Any]
"""A guessed update: one tensor (S, ...) for each parameter, or a stand-in for it if only products are needed."""
Measure = Callable[[Compared], Tensor]
"""A function from a guessed update to its distance (S,)."""


class Distance(Protocol):
    """A kind of distance. `to(seen)` reads the observed update once and returns the measure of guesses against it."""

    title: ClassVar[str]
    by_products: ClassVar[bool] = False
    """True if the distance needs only ⟨g', g⟩ and ‖g'‖²."""

    def to(self, seen: Observed) -> Measure: ...


@dataclass(frozen=True)
class Squared(Distance):
    """The sum of squared differences over all parameters: Σ ‖g' − g‖². Zhu et al. 2019, eq. 4."""

    title: ClassVar[str] = "Squared difference"

    def to(self, seen: Observed) -> Measure:
        return seen.difference


@dataclass(frozen=True)
class Absolute(Distance):
    """The sum of absolute differences: Σ |g' − g|. Under Laplace noise, the likeliest guess has the smallest sum."""

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
            dot, square = seen.products(guess)  # (S,) each
            return 1 - dot / ((square.sqrt() + 1e-12 * seen.norm) * seen.norm)

        return distance


@dataclass(frozen=True)
class Norms(Distance):
    """The sum, over all tensors l, of the norm of the difference: Σ_l ‖g'_l − g_l‖. Yin et al. 2021, eq. 4."""

    title: ClassVar[str] = "Norms"

    def to(self, seen: Observed) -> Measure:
        return lambda guess: (seen.differences(guess) + 1e-20).sqrt().sum(0)


@dataclass(frozen=True)
class GaussianKernel(Distance):
    """SAPAG's kernel: Σ_l φ(d_l), with d_l = ‖g'_l − g_l‖² / n_l and s_l = Var(g_l) over the n_l entries of layer l.

    For d ≤ s, φ(d) = 1 − exp(−d / 2s). Farther away this is flat, and no guess would move, so the width grows with the
    difference itself, s(d) = max(s, d). The function with that slope is 1 − e^(−½) + ½ e^(−½) ln(d / s).
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
