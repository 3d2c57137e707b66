"""Which part of the observed update the guess has to match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

from torch import nn

from gradleak_core.models.layers import ahead
from gradleak_core.types import Knob, Refused, Update


class Matched(Protocol):
    """Chooses among the tensors of an update by the model that made it."""

    title: ClassVar[str]

    def choose(self, model: nn.Module, update: Update) -> Update: ...


@dataclass(frozen=True)
class Everything:
    """Every tensor that the attacker sees."""

    title: ClassVar[str] = "Everything"

    def choose(self, model: nn.Module, update: Update) -> Update:
        return update


@dataclass(frozen=True)
class Ahead:
    """Only the layers ahead of the first stochastic one, whose gradients it does not make random by itself.

    A stochastic layer multiplies what flows back to these layers by something random, but what they have seen forward
    stays as it was. Scheliga et al. 2022 (PPP): omitting the rest disables PRECODE.
    """

    encoder: Annotated[bool, Knob("Encoder too", "Also match the encoder of PRECODE's bottleneck.")] = False
    title: ClassVar[str] = "Ahead of the randomness"

    def choose(self, model: nn.Module, update: Update) -> Update:
        names = set(ahead(model))
        chosen = {k: g for k, g in update.items() if k in names or (self.encoder and ".encoder." in k)}
        if not chosen:
            raise Refused("No layer the attacker sees lies ahead of the randomness; show it more layers.")
        return chosen


MATCHED: dict[str, type[Matched]] = {"everything": Everything, "ahead": Ahead}
