"""The choice of the attacker's answer, by the distance alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.types import Answer, Candidate, Latents

MEAN_WITHIN = 1.5
"""The largest distance of a restart that enters the mean, as a multiple of the smallest."""


@dataclass(frozen=True)
class Picker:
    """The attacker's own answer: the best of the iterates that the restarts keep, or a mean of the best ones.

    The mean is over the restarts whose distance is at most `MEAN_WITHIN` times the smallest.
    """

    space: Space
    answer: Answer
    z: Tensor
    """The iterate (S, N) that each restart keeps: the one of smallest distance, or the last."""
    distance: Tensor
    """The distance (S,) of z; infinite for a restart that keeps nothing yet."""
    draws: Latents = field(default_factory=dict)
    """The draws (S, T, B, ...) that a guessing attacker had made for the iterates z; empty for any other attacker."""

    @classmethod
    def start(cls, space: Space, answer: Answer, z: Tensor) -> Picker:
        """Returns the picker of restarts that begin at z (S, N) and keep nothing yet."""
        return cls(space, answer, z, z.new_full((len(z),), torch.inf))

    def after(self, better: Tensor, kept: Tensor, distance: Tensor) -> Picker:
        """Returns the picker after an iteration that left `kept` (S, N) at `distance` (S,), new where `better` (S,)."""
        draws = self.draws
        if self.space.redraw is not None:
            new = {k: v.expand(len(kept), *v.shape) for k, v in self.space.latents.items()}  # (S, T, B, ...)
            draws = {k: torch.where(better.view(-1, *[1] * (v.ndim - 1)), v, draws.get(k, v)) for k, v in new.items()}
        return replace(self, z=kept, distance=distance, draws=draws)

    def __call__(self) -> Candidate:
        """Returns the answer as a candidate with one restart, (1, B, ...)."""
        best, near = self.distance.argmin(), self.distance <= MEAN_WITHIN * self.distance.min()  # (), (S,)
        z = self.z[near].mean(0) if self.answer == "mean" else self.z[best]  # (N,)
        answer = self.space.candidate(z[None])
        return replace(answer, latents=answer.latents | {k: v[best][None] for k, v in self.draws.items()})
