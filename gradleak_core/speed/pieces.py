"""Sums over an update in fewer passes over memory: small tensors lie end to end, large ones may be in factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

import gradleak_core.speed.factored as factored
from gradleak_core.speed.factored import Factors
from gradleak_core.speed.sweeps import Parts
from gradleak_core.types import Update
from gradleak_core.updates import Observed


class LaidOut(Observed):
    """An observed update that is laid out as the guesses are. The sums are those of `Observed` but for rounding."""

    def __init__(self, update: Update) -> None:
        super().__init__(update)
        self.target = pieces(update, update, 0)
        self.against: dict[tuple[bool, ...], list[Tensor]] = {}
        """The target by which pieces of a guess are in factors."""

    def products(self, guess: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        parts = pieces(guess, self.update, 1)
        kinds = tuple(isinstance(part, Factors) for part in parts)
        if kinds not in self.against:
            both = zip(parts, self.target, strict=True)
            self.against[kinds] = [a.rows(b) if isinstance(a, Factors) else b for a, b in both]
        found = [products(a, b) for a, b in zip(parts, self.against[kinds], strict=True)]
        dots, squares = zip(*found, strict=True)
        return total(dots), total(squares)

    def differences(self, guess: Mapping[str, Any]) -> Tensor:
        return torch.stack([residual(guess[k], g) for k, g in self.update.items()])

    def difference(self, guess: Mapping[str, Any]) -> Tensor:
        parts = pieces(guess, self.update, 1)
        return total([residual(a, b) for a, b in zip(parts, self.target, strict=True)])


class SquaredError(torch.autograd.Function):
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
    """(S,) as (S, 1, ...), to multiply each restart's row of `like`."""
    return value.view(-1, *[1] * (like.ndim - 1))


def residual(a: Tensor, b: Tensor) -> Tensor:
    value: Tensor = SquaredError.apply(a, b)
    return value


def products(a: Tensor | Factors, b: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(a, Factors):
        return a.products(b)
    dot, square = Products.apply(a, b)
    return dot, square


def pieces(update: Mapping[str, Any], like: Update, restarts: Literal[0, 1]) -> list[Any]:
    """The tensors named in `like`, each (n,) or (S, n): small ones end to end, to save calls; large ones alone, since
    copying them costs more than a call. Factors stay what they are."""
    if isinstance(update, Parts) and list(update) == list(like):
        return [*update.pieces]
    rows: dict[str, Any] = {k: g if isinstance(g := update[k], Factors) else g.flatten(restarts) for k in like}
    small = [row for k, row in rows.items() if like[k].numel() < factored.FACTORED_FROM]
    large = [row for k, row in rows.items() if like[k].numel() >= factored.FACTORED_FROM]
    return [torch.cat(small, restarts), *large] if small else large


def total(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0) if len(terms) > 1 else terms[0]
