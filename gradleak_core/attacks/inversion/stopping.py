"""The end of a run: whether it has reached its goal, and its status."""

from __future__ import annotations

from math import isfinite, nan

import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.distances import Distance
from gradleak_core.attacks.parts.matched import Matched
from gradleak_core.types import Observation, Status
from gradleak_core.updates import Observed

STILL_CHECKS = 10
"""The fewest checks over which the smallest distance must stand still before a run that is below its goal ends."""
BEGUN = 2
"""Checks during which a search may still overshoot, so that they do not count against it."""
STILL = 0.9
"""The share of its former value that the smallest distance must keep to count as standing still."""

LEVEL_CHECKS = 30
"""The fewest checks over which nothing may improve before a run counts as level."""
LEVEL = 0.99
"""The share of its former value that the smallest distance must keep to count as level."""


class Stopping:
    """A judge of a run, which looks at every check at the distance (S,) that the restarts keep.

    Networks differ by orders of magnitude in how small the distance is when the picture has come back, so a goal alone
    says little. A run ends when its smallest distance is below the goal and stands still, which means that it fell by
    at most a tenth over the last quarter of the run.
    """

    def __init__(self, goal: float) -> None:
        self.goal = goal
        self.lowest: list[float] = []
        self.reached = self.improved = self.level = False
        self.begun = torch.empty(0)

    def begin(self, distance: Tensor) -> None:
        """Notes the distance (S,) that the restarts keep after the first iteration since the last check.

        Restarts are redrawn just before, so the first distance of a fresh one does not count as an improvement.
        """
        self.begun = distance.clone()

    def met(self, distance: Tensor) -> bool:
        """Returns whether the run has reached its goal, now that the restarts keep this distance (S,)."""
        self.improved = self.improved or bool((distance < self.begun).any())
        self.lowest.append(float(distance.min()))
        window = max(STILL_CHECKS, len(self.lowest) // 4)
        before = self.lowest[-1 - window] if len(self.lowest) > window else nan
        self.reached = self.lowest[-1] < self.goal and self.lowest[-1] >= STILL * before
        return self.reached

    def checks_level(self) -> int:
        """Returns the checks, at least a third of the run, over which nothing has improved; 0 if something has."""
        window = max(LEVEL_CHECKS, len(self.lowest) // 3)
        still = len(self.lowest) > window and self.lowest[-1] >= LEVEL * self.lowest[-1 - window] > 0
        return window if still else 0

    def fell(self) -> float:
        """Returns the share of the smallest distance that the last quarter of the run took away, in [0, 1].

        Of a run that was looked at once only, it is the share that the whole run took away.
        """
        before = self.lowest[3 * len(self.lowest) // 4 - 1] if len(self.lowest) > 1 else float(self.begun.min())
        return 1 - self.lowest[-1] / before if isfinite(before) and before > 0 else 0.0

    def status(self) -> Status:
        """Returns how a run ended after at least one check; up to `BEGUN` checks, it does not count as stuck."""
        if self.reached:
            return "recovered"
        if self.level:
            return "level"
        if not isfinite(self.lowest[-1]):
            return "diverged"
        return "done" if self.improved or len(self.lowest) <= BEGUN else "stuck"


def distance_of_zeros(distance: Distance, matched: Matched, model: nn.Module, observation: Observation) -> float:
    """Returns the distance of a guess whose update is zero, summed over the rounds."""
    total = 0.0
    for update in (observation.update, *(later.update for later in observation.later)):
        seen = matched.choose(model, update)
        total += float(distance.to(Observed(seen))({k: torch.zeros_like(g)[None] for k, g in seen.items()}))
    return total
