"""Sums over an update in fewer passes over memory: small tensors lie end to end, large ones may be in factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

import gradleak_core.speed.factored as factored
from gradleak_core.speed.factored import FactoredGradient
from gradleak_core.speed.sweeps import FlatUpdate
from gradleak_core.types import Update
from gradleak_core.updates import Observed


class LaidOut(Observed):
    """An observed update that is laid out as the guesses are. Its sums are those of `Observed` but for rounding."""

    def __init__(self, update: Update) -> None:
        super().__init__(update)
        self.target = pieces(update, update, 0)
        self.against: dict[tuple[bool, ...], list[Tensor]] = {}
        """The target's pieces for each choice of a guess's pieces to be in factors: (n,), or (out, in) for factors."""

    def products(self, guess: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        parts = pieces(guess, self.update, 1)
        kinds = tuple(isinstance(part, FactoredGradient) for part in parts)
        if kinds not in self.against:
            both = zip(parts, self.target, strict=True)
            self.against[kinds] = [a.restrict(b) if isinstance(a, FactoredGradient) else b for a, b in both]
        found = [products(a, b) for a, b in zip(parts, self.against[kinds], strict=True)]
        dots, squares = zip(*found, strict=True)
        return total(dots), total(squares)

    def differences(self, guess: Mapping[str, Any]) -> Tensor:
        return torch.stack([residual(guess[k], g) for k, g in self.update.items()])

    def difference(self, guess: Mapping[str, Any]) -> Tensor:
        parts = pieces(guess, self.update, 1)
        return total([residual(a, b) for a, b in zip(parts, self.target, strict=True)])


class SquaredError(torch.autograd.Function):
    """The sum Σ (a − b)² (S,) of a (S, ...) and b (...). Its gradient in a takes one pass over memory, not three."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        difference = a - b  # (S, ...)
        ctx.save_for_backward(difference)
        return (difference * difference).flatten(1).sum(1)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
        (difference,) = ctx.saved_tensors
        return difference * (2 * rows(cotangent, difference)), None  # (S, ...)


class Products(torch.autograd.Function):
    """The sums Σ a b and Σ a², each (S,), of a (S, ...) and b (...). Their gradient in a takes two passes, not five."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(a, b)
        return (a * b).flatten(1).sum(1), (a * a).flatten(1).sum(1)

    @staticmethod
    def backward(ctx: Any, dot_cotangent: Tensor, square_cotangent: Tensor) -> tuple[Tensor, None]:
        a, b = ctx.saved_tensors
        return (a * (2 * rows(square_cotangent, a))).addcmul_(b, rows(dot_cotangent, a)), None  # (S, ...)


def rows(value: Tensor, like: Tensor) -> Tensor:
    """Returns values (S,) as (S, 1, ...), one for each restart's row of `like` (S, ...)."""
    return value.view(-1, *[1] * (like.ndim - 1))


def residual(a: Tensor, b: Tensor) -> Tensor:
    """Returns Σ (a − b)² (S,) of a (S, ...) and b (...)."""
    value: Tensor = SquaredError.apply(a, b)
    return value


def products(a: Tensor | FactoredGradient, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns Σ a b and Σ a², each (S,), of a (S, ...) and b (...)."""
    if isinstance(a, FactoredGradient):
        return a.products(b)
    dot, square = Products.apply(a, b)
    return dot, square


def pieces(update: Mapping[str, Any], like: Update, restarts: Literal[0, 1]) -> list[Any]:
    """Returns the tensors named in `like`, each (n,) for 0 restarts and (S, n) for 1; gradients in factors as they are.

    Small tensors lie end to end, which saves calls. Large ones stand alone, since to copy them costs more than a call.
    """
    if isinstance(update, FlatUpdate) and list(update) == list(like):
        return [*update.pieces]
    rows: dict[str, Any] = {k: g if isinstance(g := update[k], FactoredGradient) else g.flatten(restarts) for k in like}
    small = [row for k, row in rows.items() if like[k].numel() < factored.FACTORED_FROM]
    large = [row for k, row in rows.items() if like[k].numel() >= factored.FACTORED_FROM]
    return [torch.cat(small, restarts), *large] if small else large


def total(terms: Sequence[Tensor]) -> Tensor:
    """Returns the sum (S,) of terms (S,)."""
    return torch.stack(list(terms)).sum(0) if len(terms) > 1 else terms[0]
