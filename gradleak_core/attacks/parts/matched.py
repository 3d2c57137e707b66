"""The parts of the observed update that a guess may have to match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from torch import nn

from gradleak_core.models.layers import names_before_randomness
from gradleak_core.types import Knob, Refused, Update


class Matched(Protocol):
    """A choice among the tensors of an update, made by looking at the model that the update belongs to."""

    title: ClassVar[str]

    def choose(self, model: nn.Module, update: Update) -> Update: ...


@dataclass(frozen=True)
class Everything:
    """Compares all of the update that the attacker sees."""

    title: ClassVar[str] = "Everything"

    def choose(self, model: nn.Module, update: Update) -> Update:
        return update


@dataclass(frozen=True)
class BeforeRandomness:
    """Compares only the layers that come before the first random one.

    A stochastic layer makes the gradient that flows back to these layers random, but not the activations that they
    were fed forward. Scheliga et al. 2022 (PPP): leaving out all other layers disables PRECODE. Raises `Refused` when
    the attacker sees none of these layers.
    """

    encoder: Annotated[bool, Knob("Encoder too", "Also match the encoder of PRECODE's bottleneck.")] = False
    title: ClassVar[str] = "Ahead of the randomness"

    def choose(self, model: nn.Module, update: Update) -> Update:
        names = set(names_before_randomness(model))
        chosen = {k: g for k, g in update.items() if k in names or (self.encoder and ".encoder." in k)}
        if not chosen:
            raise Refused("No layer that the attacker sees lies ahead of the randomness; show it more layers.")
        return chosen


MATCHED: dict[str, type[Matched]] = {"everything": Everything, "ahead": BeforeRandomness}
