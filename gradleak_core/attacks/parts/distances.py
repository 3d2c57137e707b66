"""How far a guessed update lies from the observed one: the *match* that every attack drives down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor

from gradleak_core.speed import factored
from gradleak_core.speed.factored import Factors
from gradleak_core.speed.sweeps import Parts
from gradleak_core.types import Update

Compared = Mapping[str, Any]
"""An update, with `Factors` for some of its tensors where the distance is `factored`."""
Measure = Callable[[Compared], Tensor]
"""The distance (S,) of a guess (S, ...) to what was seen."""


class Distance(Protocol):
    """`to(seen)` looks at the observed update once, and gives the distance to it."""

    title: ClassVar[str]
    factored: ClassVar[bool] = False

    def to(self, seen: Update) -> Measure: ...


@dataclass(frozen=True)
class Squared(Distance):
    """Sum of squared differences over all parameters: Σ ‖g' − g‖². Zhu et al. 2019, eq. 4."""

    title: ClassVar[str] = "Squared difference"

    def to(self, seen: Update) -> Measure:
        target = pieces(seen, seen, 0)
        return lambda guess: total([residual(a, b) for a, b in zip(pieces(guess, seen, 1), target, strict=True)])


@dataclass(frozen=True)
class Absolute(Distance):
    """Sum of absolute differences, the best match when the defence adds Laplace noise: Σ |g' − g|."""

    title: ClassVar[str] = "Absolute difference"

    def to(self, seen: Update) -> Measure:
        return lambda guess: total([(guess[k] - g).abs().flatten(1).sum(1) for k, g in seen.items()])


@dataclass(frozen=True)
class Cosine(Distance):
    """One minus the cosine of the whole update: 1 − ⟨g', g⟩ / (‖g'‖ ‖g‖). Geiping et al. 2020, eq. 4."""

    title: ClassVar[str] = "Cosine"
    factored: ClassVar[bool] = True

    def to(self, seen: Update) -> Measure:
        target = pieces(seen, seen, 0)
        norm = total([(g * g).sum() for g in target]).sqrt().clamp(min=1e-30)

        against: dict[tuple[bool, ...], list[Tensor]] = {}  # by which tensors a guess has in factors

        def measure(guess: Compared) -> Tensor:
            parts = pieces(guess, seen, 1)
            kinds = tuple(isinstance(part, Factors) for part in parts)
            if kinds not in against:
                against[kinds] = [
                    a.rows(b) if isinstance(a, Factors) else b for a, b in zip(parts, target, strict=True)
                ]
            both = [products(a, b) for a, b in zip(parts, against[kinds], strict=True)]
            dots, squares = zip(*both, strict=True)
            cosine: Tensor = total(dots) / ((total(squares).sqrt() + 1e-12 * norm) * norm)
            return 1 - cosine

        return measure


@dataclass(frozen=True)
class Norms(Distance):
    """Sum of the norms, not squared, of each tensor's difference: Σ_l ‖g'_l − g_l‖. Yin et al. 2021, eq. 4."""

    title: ClassVar[str] = "Norms"

    def to(self, seen: Update) -> Measure:
        return lambda guess: total([(residual(guess[k], g) + 1e-20).sqrt() for k, g in seen.items()])


@dataclass(frozen=True)
class GaussianKernel(Distance):
    """SAPAG's kernel: Σ_l φ(d_l), with d_l = ‖g'_l − g_l‖² / n_l and s_l = Var(g_l) over the n_l entries of layer l.

    φ(d) = 1 − exp(−d / 2s) while d ≤ s. Farther away that is flat and nothing would move, so the width is annealed by
    the difference itself, s(d) = max(s, d); the function with that slope is 1 − e^(−½) + ½ e^(−½) ln(d / s).
    Wang et al. 2020.
    """

    title: ClassVar[str] = "Gaussian kernel"

    def to(self, seen: Update) -> Measure:
        spread = {k: g.var(correction=0) if g.numel() > 1 else g.square().mean() for k, g in seen.items()}
        width = {k: s.clamp(min=1e-20) * seen[k].numel() for k, s in spread.items()}

        def measure(guess: Compared) -> Tensor:
            d = torch.stack([residual(guess[k], g) / width[k] for k, g in seen.items()])  # (layers, S)
            near = -torch.expm1(-d.clamp(max=1) / 2)
            far = 1 - exp(-0.5) + 0.5 * exp(-0.5) * d.clamp(min=1).log()
            return torch.where(d <= 1, near, far).sum(0)

        return measure


class Residual(torch.autograd.Function):
    """Σ (a − b)² of a (S, ...) and b (...), as (S,). Its gradient in a takes one pass over memory instead of three."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        difference = a - b
        ctx.save_for_backward(difference)
        return (difference * difference).flatten(1).sum(1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        (difference,) = ctx.saved_tensors
        return difference * (2 * rows(slope, difference)), None


class Products(torch.autograd.Function):
    """Σ a b and Σ a² of a (S, ...) and b (...), each (S,). Their gradients in a take two passes instead of five."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(a, b)
        return (a * b).flatten(1).sum(1), (a * a).flatten(1).sum(1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor, square: Tensor) -> tuple[Tensor, None]:
        a, b = ctx.saved_tensors
        return (a * (2 * rows(square, a))).addcmul_(b, rows(slope, a)), None


def rows(value: Tensor, like: Tensor) -> Tensor:
    """(S,) as (S, 1, ...), to multiply each seed's row of `like`."""
    return value.view(-1, *[1] * (like.ndim - 1))


def residual(a: Tensor, b: Tensor) -> Tensor:
    value: Tensor = Residual.apply(a, b)
    return value


def products(a: Tensor | Factors, b: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(a, Factors):
        return a.products(b)
    dot, square = Products.apply(a, b)
    return dot, square


def pieces(update: Compared, like: Update, seeds: Literal[0, 1]) -> list[Any]:
    """The tensors named in `like`, each (n,) or (S, n): small ones end to end, to save calls; large ones alone, since
    copying them costs more than a call. Factors stay what they are."""
    if isinstance(update, Parts) and list(update) == list(like):
        return [*update.pieces]
    rows: dict[str, Any] = {k: g if isinstance(g := update[k], Factors) else g.flatten(seeds) for k in like}
    small = [row for k, row in rows.items() if like[k].numel() < factored.LARGE]
    large = [row for k, row in rows.items() if like[k].numel() >= factored.LARGE]
    return [torch.cat(small, seeds), *large] if small else large


def total(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0) if len(terms) > 1 else terms[0]


DISTANCES: dict[str, type[Distance]] = {
    "squared": Squared,
    "cosine": Cosine,
    "absolute": Absolute,
    "norms": Norms,
    "gaussian_kernel": GaussianKernel,
}
