"""Dropout in the client's model while it computes the update."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import nn

from gradleak_core.defences.defence import Defence
from gradleak_core.models import layers
from gradleak_core.types import Knob, Refused


@dataclass(frozen=True)
class Dropout(Defence):
    """Drops activations at random before the classifier (Zheng 2021), inside the network, or both.

    The attacker knows the rate and the places, but not the masks. The model's parameters keep their names.
    """

    p: Annotated[float, Knob("Rate", "Probability that an activation is dropped.", 0, 0.95)] = 0.25
    place: Annotated[
        Literal["before_classifier", "inside", "both"], Knob("Place", "Where in the network activations are dropped.")
    ] = "before_classifier"
    facts: ClassVar[tuple[str, ...]] = ("stochastic",)
    title: ClassVar[str] = "Dropout"

    def harden(self, model: nn.Module) -> nn.Module:
        """Returns a copy of the model with dropout in its free places. Raises `Refused` when no place is free."""
        model = deepcopy(model)
        free = [n for n, m in model.named_modules() if isinstance(m, layers.Slot) and self.place in (m.place, "both")]
        if not free:
            raise Refused(f"Dropout finds no free place ({self.place}) in this model; choose another or remove it.")
        for name in free:
            model.set_submodule(name, layers.DropoutLayer(self.p))
        return model
