"""PPP: PRECODE, and noise on the layers that it does not protect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch

from gradleak_core.defences.precode import Precode
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class PartialPerturbation(Precode):
    """PRECODE, plus N(0, std²) on the update of only the layers before its bottleneck. Scheliga et al. 2022 (PPP).

    PRECODE leaves these layers deterministic, so an attack that ignores all others could still use them.
    """

    std: Annotated[float, Knob("Deviation", "Standard deviation of each entry's noise.", 1e-8, 10, log=True)] = 1e-3
    encoder: Annotated[bool, Knob("Encoder too", "Also perturb the bottleneck's own encoder.")] = False
    title: ClassVar[str] = "Partial perturbation (PPP)"

    def release(self, update: Update, generator: torch.Generator) -> Update:
        names = list(update)
        first = next(i for i, name in enumerate(names) if ".encoder." in name) + 2 * self.encoder
        noise = {k: self.std * torch.empty_like(update[k]).normal_(generator=generator) for k in names[:first]}
        return {k: g + noise[k] if k in noise else g for k, g in update.items()}
