"""Few bits for each entry of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class Quantisation(Defence):
    """Rounds |g| to 2^bits equally spaced levels from 0 to the tensor's largest |g|; the sign is kept separately.

    Random rounding is unbiased, as in QSGD (Alistarh et al. 2017), which scales by the L2 norm instead of the largest
    entry. One bit gives -max, 0 and max.
    """

    bits: Annotated[int, Knob("Bits", "Bits for the magnitude of an entry; the sign is one more.", 1, 16)] = 4
    stochastic: Annotated[bool, Knob("Random rounding", "Round up or down at random, right on average.")] = False
    title: ClassVar[str] = "Quantisation"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        return {k: self.quantise(g, generator) for k, g in update.items()}

    def wire_size(self, update: Update) -> int:
        """Returns magnitude and sign of every entry in bytes, and the largest of each tensor as a float32."""
        return sum(-(-(self.bits + 1) * g.numel() // 8) + 4 for g in update.values())

    def quantise(self, g: Tensor, generator: torch.Generator) -> Tensor:
        """Returns one tensor rounded to its levels; a tensor of zeros stays zero."""
        step = g.abs().max() / (2**self.bits - 1)
        level = (g.abs() / step).nan_to_num()  # 0 / 0 where all entries are zero
        if self.stochastic:
            level = (level + torch.empty_like(level).uniform_(generator=generator)).floor().clamp(max=2**self.bits - 1)
        else:
            level = level.round()
        out: Tensor = g.sign() * level * step
        return out
