"""When a run has reached its goal, and what it came to."""

from __future__ import annotations

from math import isfinite, nan

import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.distances import Distance
from gradleak_core.attacks.parts.matched import Matched
from gradleak_core.types import Observation, Status
from gradleak_core.updates import Observed

STILL_CHECKS = 10
"""Checks over which the smallest distance must have stood still, at least, before a goal that is met ends the run."""
BEGUN = 2
"""Checks within which a search may still be overshooting, so that none is judged by them."""
STILL = 0.9
"""The share of its former value that the smallest distance keeps where it stands still."""


class Stopping:
    """Judges a run by the distance (S,) that its restarts keep, at every check.

    A goal is a share of the distance that an update of zeros would have. How small a distance has to be for the picture to be
    there differs by orders of magnitude between networks, so that a goal alone says little: a run ends when its lowest
    distance is below the goal and stands still: over the last quarter of the run it fell by less than a tenth.
    """

    def __init__(self, goal: float) -> None:
        self.goal = goal
        self.lowest: list[float] = []
        self.reached = self.improved = False
        self.begun = torch.empty(0)

    def begin(self, distance: Tensor) -> None:
        """Takes note of what the restarts keep (S,) after the first iteration since the last check."""
        self.begun = distance.clone()

    def met(self, distance: Tensor) -> bool:
        """Returns whether the run is done, when the restarts keep this distance (S,). One drawn anew is in both notes."""
        self.improved = self.improved or bool((distance < self.begun).any())
        self.lowest.append(float(distance.min()))
        window = max(STILL_CHECKS, len(self.lowest) // 4)
        before = self.lowest[-1 - window] if len(self.lowest) > window else nan
        self.reached = self.lowest[-1] < self.goal and self.lowest[-1] >= STILL * before
        return self.reached

    def status(self) -> Status:
        """Returns how a run of at least one check ended; one that has hardly begun does not count as stuck."""
        if self.reached:
            return "recovered"
        if not isfinite(self.lowest[-1]):
            return "diverged"
        return "done" if self.improved or len(self.lowest) <= BEGUN else "stuck"


def distance_of_zeros(distance: Distance, matched: Matched, model: nn.Module, observation: Observation) -> float:
    """Returns the distance that a guess with an update of zeros would have, summed over the rounds."""
    total = 0.0
    for update in (observation.update, *(later.update for later in observation.later)):
        seen = matched.choose(model, update)
        total += float(distance.to(Observed(seen))({k: torch.zeros_like(g)[None] for k, g in seen.items()}))
    return total
