"""What a client may do against leakage. A defence is a frozen row of knobs; a list of them is applied in order."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from gradleak_core.types import Need, Update

__all__ = ["DEFENCES", "Defence"]


class Defence:
    """Three places to intervene; a defence overrides the one it needs. Nothing is changed in place."""

    title: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()
    each_example: ClassVar[bool] = False
    """True when `per_example` is overridden: the client then computes one update an image and averages them."""

    def harden(self, model: nn.Module) -> nn.Module:
        """The model the client trains instead; attacker and client both know it."""
        return model

    def per_example(self, update: Update) -> Update:
        """The update of one image, before the batch is averaged."""
        return update

    def release(self, update: Update, generator: torch.Generator) -> Update:
        """The update that leaves the client. Draws come from a generator on the update's device."""
        return update


DEFENCES: dict[str, type[Defence]] = {}
