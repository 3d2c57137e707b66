"""Dropping the smallest entries of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class Pruning(Defence):
    """Sets the smallest entries by magnitude to zero, in each tensor or over the whole update. Zhu et al. 2019.

    Exactly round(share · n) of n entries become zero; among equal magnitudes the earlier goes first. Dropped entries
    are not added to a later round.
    """

    share: Annotated[float, Knob("Share", "Share of the entries that are set to zero.", 0, 0.9999)] = 0.9
    scope: Annotated[
        Literal["per_tensor", "whole"], Knob("Scope", "Rank entries within each tensor, or over the whole update.")
    ] = "per_tensor"
    title: ClassVar[str] = "Pruning"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        if self.scope == "per_tensor":
            return {k: prune(g, self.share) for k, g in update.items()}
        pruned = prune(torch.cat([g.flatten() for g in update.values()]), self.share)
        pieces = torch.split(pruned, [g.numel() for g in update.values()])
        return {k: piece.view_as(g) for (k, g), piece in zip(update.items(), pieces, strict=True)}

    def wire_size(self, update: Update) -> int:
        """Returns the bytes of the entries that are left, each with its place in four bytes, or of all if fewer."""
        left = sum(int(g.count_nonzero()) for g in update.values())
        return min(8 * left, super().wire_size(update))


def prune(values: Tensor, share: float) -> Tensor:
    """Returns the values, with the given share of them, those of smallest magnitude, set to zero."""
    flat = values.flatten()
    smallest = flat.abs().argsort(stable=True)[: round(share * flat.numel())]
    return flat.index_fill(0, smallest, 0).view_as(values)
