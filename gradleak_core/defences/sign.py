"""Only the sign of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Update


@dataclass(frozen=True)
class Sign(Defence):
    """Sends -1, 0 or 1 for every entry of the update, as in signSGD. Bernstein et al. 2018."""

    title: ClassVar[str] = "Sign"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        return {k: g.sign() for k, g in update.items()}

    def wire_size(self, update: Update) -> int:
        """Returns one bit an entry in bytes, two bits if an entry is zero."""
        bits = 1 if all(bool(g.all()) for g in update.values()) else 2
        return sum(-(-bits * g.numel() // 8) for g in update.values())
