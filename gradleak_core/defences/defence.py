"""Where a defence may intervene."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from gradleak_core.types import Need, Update


class Defence:
    """Three places to intervene; a defence overrides the one it needs. Nothing is changed in place."""

    title: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()

    @property
    def each_example(self) -> bool:
        """True when `per_example` does something: the client then computes one update an image and averages them."""
        return False

    def harden(self, model: nn.Module) -> nn.Module:
        """The model the client trains instead; attacker and client both know it."""
        return model

    def per_example(self, update: Update) -> Update:
        """The update of one image, before the batch is averaged."""
        return update

    def release(self, update: Update, generator: torch.Generator) -> Update:
        """The update that leaves the client. Draws come from a generator on the update's device."""
        return update
