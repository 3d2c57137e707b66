"""Where a defence may intervene."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from gradleak_core.types import Need, Update


class Defence:
    """Four places to intervene; a defence overrides the one it needs. Nothing is changed in place."""

    title: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()
    """What it brings into an experiment, of `config.needs.FACTS`: `stochastic` where it draws inside the model."""
    instead: ClassVar[str] = ""
    """What the client trains on in a picture's place, in plain words; empty where that is the picture."""

    @property
    def each_example(self) -> bool:
        """True when `per_example` does something: the client then computes one update an image and averages them."""
        return False

    @property
    def mixes(self) -> bool:
        """True when `inputs` changes the labels too, so that being told the labels means being told the mixed ones."""
        return False

    def inputs(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """What the client trains on instead of images (B, C, H, W) and label probabilities (B, classes)."""
        return images, labels

    def harden(self, model: nn.Module) -> nn.Module:
        """The model the client trains instead; attacker and client both know it."""
        return model

    def per_example(self, update: Update) -> Update:
        """The update of one image, before the batch is averaged."""
        return update

    def release(self, update: Update, generator: torch.Generator) -> Update:
        """The update that leaves the client. Draws come from a generator on the update's device."""
        return update
