"""Which iterations of a run are shown, or of several that take turns. Imports no torch."""

from __future__ import annotations

EARLY_FRAMES = {round(2 ** (k / 2)) for k in range(13)}
"""The iterations up to the 64th that always get a frame, however quickly they pass: the picture forms in them."""
FRAME_SECONDS = 0.1
"""The fewest seconds between two frames."""
SHARE = 30
"""The seconds of computing for each second spent on frames, so that watching costs less than 5 % in all."""
EASE = 15
"""The seconds that a run has taken for each second between two of its frames: who has watched long needs fewer."""
MOST_SECONDS = 0.5
"""The most seconds between two frames, however long one takes."""
RACE_SECONDS = 0.15
"""The most seconds between two frames of the lanes of a race, which are there to be watched beside each other."""


class Pulse:
    """The common choice of the iterations to show, for runs of which each is at most one iteration ahead."""

    def __init__(self, runs: int = 1) -> None:
        self.runs = runs
        self.decided: dict[int, bool] = {}

    def agree(self, iteration: int, wanted: bool) -> bool:
        """Returns whether an iteration is shown, which the first run that comes to it decides for all."""
        if iteration not in self.decided:
            self.decided = {iteration - 1: self.decided.get(iteration - 1, False), iteration: wanted}
        return self.decided[iteration]

    def pause(self, cost: float, spent: float) -> float:
        """Returns the fewest seconds until the next frame of each run after one that took `cost` seconds.

        The run has spent `spent` seconds so far.
        """
        most = MOST_SECONDS if self.runs == 1 else RACE_SECONDS
        return min(max(FRAME_SECONDS - cost, SHARE * cost * self.runs, spent / EASE), most)
