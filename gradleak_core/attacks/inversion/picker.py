"""What the attacker hands in, chosen by the distance alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.types import Answer, Candidate, Latents

MEAN_WITHIN = 1.5
"""A restart enters the mean if its distance is at most this multiple of the best one's."""


@dataclass(frozen=True)
class Picker:
    """The attacker's own answer: the best of what each restart keeps, or the mean of those that match nearly as well."""

    space: Space
    answer: Answer
    z: Tensor
    """(S, N): of each restart the iterate of smallest distance, or the last."""
    distance: Tensor
    """(S,), of z; infinite for a restart that has none yet."""
    draws: Latents = field(default_factory=dict)
    """What a guessing attacker had drawn for each restart's iterate, (S, T, B, ...)."""

    def after(self, better: Tensor, kept: Tensor, distance: Tensor) -> Picker:
        """The same with what is kept now (S, N), its distance (S,), and whether it is new (S,)."""
        draws = self.draws
        if self.space.redraw is not None:
            new = {k: v.expand(len(kept), *v.shape) for k, v in self.space.latents.items()}
            draws = {k: torch.where(better.view(-1, *[1] * (v.ndim - 1)), v, draws.get(k, v)) for k, v in new.items()}
        return replace(self, z=kept, distance=distance, draws=draws)

    def __call__(self) -> Candidate:
        """Returns the answer as one candidate (1, B, ...)."""
        best, near = self.distance.argmin(), self.distance <= MEAN_WITHIN * self.distance.min()
        z = self.z[near].mean(0) if self.answer == "mean" else self.z[best]
        answer = self.space.candidate(z[None])
        return replace(answer, latents=answer.latents | {k: v[best][None] for k, v in self.draws.items()})
