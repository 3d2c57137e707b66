"""Sixteen bits for each entry of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class HalfPrecision(Defence):
    """Rounds the update to a 16-bit float and back. Zhu et al. 2019.

    Entries beyond the format's range become its largest number instead of infinity.
    """

    format: Annotated[
        Literal["float16", "bfloat16"],
        Knob("Format", "float16 has 11 significant bits; bfloat16 has 8, and more range."),
    ] = "float16"
    title: ClassVar[str] = "Half precision"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        dtype: torch.dtype = getattr(torch, self.format)
        largest = torch.finfo(dtype).max
        return {k: g.clamp(-largest, largest).to(dtype).to(g.dtype) for k, g in update.items()}

    def wire_size(self, update: Update) -> int:
        return sum(2 * g.numel() for g in update.values())
