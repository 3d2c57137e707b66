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
