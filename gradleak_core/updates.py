"""Sums that distances take over an observed update, and the checks that refuse updates not worth attacking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any

import torch
from torch import Tensor

from gradleak_core.types import Refused, Update
from gradleak_core.verdicts import ALMOST_ZERO, NOT_FINITE, NOTHING_SEEN, RUN_OFF

NOTHING = torch.finfo(torch.float32).eps
"""An update with no entry above this says nothing. Entries are made of p − y, and this is how finely single precision
resolves probabilities p near 1."""


class Observed:
    """An observed update g, with the sums that distances take over it and a guessed update g' (S, ...).

    A guess may hold more tensors than g; the others do not count.
    """

    def __init__(self, update: Update) -> None:
        self.update = update
        squares = [g.square().sum() for g in update.values()]
        self.norm = torch.stack(squares).sum().sqrt().clamp(min=1e-30)
        """The norm ‖g‖ () over all tensors together, at least 1e-30."""

    def products(self, guess: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Returns ⟨g', g⟩ and ‖g'‖², each (S,), over all tensors together."""
        dots = [(guess[k] * g).flatten(1).sum(1) for k, g in self.update.items()]
        squares = [guess[k].square().flatten(1).sum(1) for k in self.update]
        return torch.stack(dots).sum(0), torch.stack(squares).sum(0)

    def differences(self, guess: Mapping[str, Any]) -> Tensor:
        """Returns ‖g'_l - g_l‖² for each tensor l, (layers, S)."""
        return torch.stack([(guess[k] - g).square().flatten(1).sum(1) for k, g in self.update.items()])

    def difference(self, guess: Mapping[str, Any]) -> Tensor:
        """Returns ‖g' - g‖² (S,) over all tensors together."""
        return self.differences(guess).sum(0)


def magnitude(update: Update) -> float:
    """Returns the largest absolute entry of an update, or infinity if an entry is not finite."""
    largest = torch.stack([g.detach().abs().amax() for g in update.values()]).amax()
    return float(largest.nan_to_num(inf, inf))


def note_magnitudes(updates: Iterable[Update], magnitudes: list[float]) -> Iterator[Update]:
    """Yields the updates unchanged and appends the magnitude of each to `magnitudes`."""
    for update in updates:
        magnitudes.append(magnitude(update))
        yield update


def require_finite(magnitudes: Sequence[float], start: Update, lr: float, *, repeated: bool) -> None:
    """Raises `Refused` unless the magnitudes of all the client's updates are finite.

    The advice depends on the parameters `start`, on the learning rate, and on whether the client took more than one
    step, `repeated`.
    """
    if max(magnitudes) < inf:
        return
    if repeated and magnitude(start) < inf:
        advice = f"{RUN_OFF}; lower the client's learning rate, which is {lr:g}"
    else:
        advice = "the model's weights are too large; choose smaller first weights or a smaller training rate"
    raise Refused(f"{NOT_FINITE}: {advice}.")


def require_learning(magnitudes: Sequence[float], images: int) -> None:
    """Raises `Refused` when every update of the client, before its defences, is zero to within `NOTHING`."""
    if max(magnitudes) > NOTHING:
        return
    label, picture = ("this label", "this picture") if images == 1 else ("these labels", "these pictures")
    raise Refused(
        f"{ALMOST_ZERO}, so nothing leaks: the model is already certain of {label} and learns nothing from {picture}; "
        "choose another label, more classes, other first weights or fewer epochs of training."
    )


def require_trace(updates: Iterable[Update]) -> None:
    """Raises `Refused` when every entry that the attacker sees is zero."""
    if not any(magnitude(update) for update in updates):
        raise Refused(f"{NOTHING_SEEN}, so nothing leaks; weaken the defences or hide fewer layers.")
