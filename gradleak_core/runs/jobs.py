"""What a worker is given to do, and the queue of it. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Job:
    """Runs that one worker plays in turns: the lanes of a race, or a single one."""

    runs: dict[str, Any]
    """The experiment of each run, in order."""
    by: str = "iterations"
    """The measure in which no run may be ahead: "iterations" or "seconds"."""
    starts: dict[str, Any] = field(default_factory=dict)
    """The guesses of the runs that go on from one, as `forks.find_start` gives them."""
    left: dict[str, bytes] = field(default_factory=dict)
    """What was written down of the runs that another worker has begun, as `checkpoints` writes it."""

    def only(self, runs: Collection[str]) -> Job:
        """Returns a job of those of its runs that are among these."""
        return Job({run: one for run, one in self.runs.items() if run in runs}, self.by, self.starts)


class Queue:
    """Jobs that wait, in order of submission."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def __len__(self) -> int:
        """Returns the number of waiting runs."""
        return sum(len(job.runs) for job in self.jobs)

    def find(self, run: str) -> Job | None:
        """Returns the waiting job of a run; None when the run does not wait."""
        return next((job for job in self.jobs if run in job.runs), None)

    def positions(self) -> dict[str, int]:
        """Returns the place in the queue of every waiting run, 1 being next."""
        return {run: place for place, job in enumerate(self.jobs, 1) for run in job.runs}
