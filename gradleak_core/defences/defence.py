"""The places where a defence may intervene."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from gradleak_core.types import Need, Update


class Defence:
    """A defence with four places to intervene, of which it overrides those it needs. It changes nothing in place."""

    title: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()
    """The facts of `config.needs.FACTS` that it adds to an experiment: `stochastic` if it draws inside the model."""
    instead: ClassVar[str] = ""
    """The plain name of what the client trains on in a picture's place; empty if it trains on the picture itself."""

    @property
    def each_example(self) -> bool:
        """Returns whether `per_example` does something; the client then averages one update per image."""
        return False

    @property
    def mixes(self) -> bool:
        """Returns whether `inputs` mixes the labels too; an attacker who is told the labels then gets mixed ones."""
        return False

    def inputs(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Returns the images (B, C, H, W) and label probabilities (B, classes) that the client trains on instead."""
        return images, labels

    def harden(self, model: nn.Module) -> nn.Module:
        """Returns the model that the client trains instead, which the attacker knows too."""
        return model

    def per_example(self, update: Update) -> Update:
        """Returns one image's update as it enters the batch's mean."""
        return update

    def release(self, update: Update, generator: torch.Generator) -> Update:
        """Returns the update that leaves the client; random draws come from a generator on the update's device."""
        return update

    def wire_size(self, update: Update) -> int:
        """Returns the bytes that a released update takes in the shortest form that the defence allows for."""
        return sum(4 * g.numel() for g in update.values())
