"""The stances of an attacker towards what is random in the client's model: dropout's masks, PRECODE's noise."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from gradleak_core.client import blank, draw_latents
from gradleak_core.config.needs import between
from gradleak_core.models.layers import DropoutLayer
from gradleak_core.types import Latents, Need, Observation


class Stance:
    """The attacker's choice of what takes the place of the client's draws. A stance overrides what is special to it."""

    title: ClassVar[str]
    knows: ClassVar[str] = ""
    """The rest of a sentence that begins with "The attacker ..."; empty if there is nothing to say."""
    told: ClassVar[bool] = False
    """True if the threat model must reveal the client's draws."""
    fresh: ClassVar[bool] = False
    """True if the attacker draws again in every iteration."""
    solved: ClassVar[bool] = False
    """True if the draws are unknowns, which start from `draws`."""
    needs: ClassVar[tuple[Need, ...]] = ()

    def draws(self, model: nn.Module, observation: Observation, generator: torch.Generator) -> Latents:
        """Returns the draws (T, B, ...) by buffer name, fresh ones if they are drawn again or solved for.

        A layer without a draw computes with its mean.
        """
        return fresh(model, observation, generator) if self.fresh or self.solved else {}


@dataclass(frozen=True)
class Ignore(Stance):
    """Takes the client for one without dropout or noise, as the usual attacker does."""

    title: ClassVar[str] = "Ignore"


@dataclass(frozen=True)
class Guess(Stance):
    """Draws dropout masks and noise afresh in every iteration."""

    title: ClassVar[str] = "Guess"
    knows: ClassVar[str] = "draws dropout masks and noise afresh in every iteration"
    fresh: ClassVar[bool] = True


@dataclass(frozen=True)
class Told(Stance):
    """Computes with the client's own masks and noise: the most that an attack on a random defence can have."""

    title: ClassVar[str] = "Told the masks and noise"
    knows: ClassVar[str] = "is told the client's dropout masks and noise"
    told: ClassVar[bool] = True

    def draws(self, model: nn.Module, observation: Observation, generator: torch.Generator) -> Latents:
        return observation.latents or {}


@dataclass(frozen=True)
class Solve(Stance):
    """Solves for masks and noise together with the picture, from a fresh draw. Masks may take any value in [0, 1]."""

    title: ClassVar[str] = "Solve"
    knows: ClassVar[str] = "solves for the model's random draws together with the image"
    solved: ClassVar[bool] = True


@dataclass(frozen=True)
class ReadOff(Stance):
    """Reads dropout masks off the update: a dropped input leaves a zero column in the next linear layer's gradient.

    For one image dL/dW = δ aᵀ, so column j is zero exactly if a_j is. A mask stays at its mean if it comes before any
    other kind of layer, or if noise on the update leaves no column at zero.
    """

    title: ClassVar[str] = "Read off"
    knows: ClassVar[str] = "reads dropout masks off the zero columns of the update"
    needs: ClassVar[tuple[Need, ...]] = (
        between("batch", None, 1, "Masks can be read off the update of one image only; use a batch of one."),
        between("local_steps", None, 1, "Masks can be read off one local step only; set local epochs to 1."),
    )

    def draws(self, model: nn.Module, observation: Observation, generator: torch.Generator) -> Latents:
        found, shapes = {}, fresh(model, observation, generator)
        modules = list(model.named_modules())
        for (name, layer), (after, following) in pairwise(modules):
            gradient = observation.update.get(f"{after}.weight")
            if isinstance(layer, DropoutLayer) and isinstance(following, nn.Linear) and gradient is not None:
                kept = gradient.abs().amax(0) > 0  # (features,)
                if kept.all():
                    continue
                found[f"{name}.draw"] = (kept.float() * layer.unit)[None, None]  # (T, B, features)
        return {k: mask for k, mask in found.items() if mask.shape == shapes[k].shape}


def fresh(model: nn.Module, observation: Observation, generator: torch.Generator) -> Latents:
    """Draws every stochastic layer once, (T, B, ...) by buffer name, on the observation's device."""
    return draw_latents(model, blank(observation), observation.step, generator)


STANCES: dict[str, type[Stance]] = {
    "ignore": Ignore,
    "guess": Guess,
    "told": Told,
    "solve": Solve,
    "read_off": ReadOff,
}
