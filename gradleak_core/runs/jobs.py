"""What a worker is given to do, and the queue of it, which is fair between people. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from gradleak_core.runs.estimates import Estimate


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
    owner: str | None = None
    """The person whose runs they are; None where people are not told apart."""
    expected: dict[str, Estimate] = field(default_factory=dict)
    """What each run is expected to take in all."""
    first: dict[str, Any] | None = None
    """The command with which the next worker begins: a step until an iteration."""
    per_second: float | None = None
    """The pace to which somebody has slowed the runs down, in iterations a second."""

    def commands(self) -> list[dict[str, Any]]:
        """Returns the commands that a worker is given with the job."""
        pace = [{"type": "pace", "per_second": self.per_second}] if self.per_second else []
        first, self.first = [self.first] if self.first else [], None
        return pace + first

    def only(self, runs: Collection[str]) -> Job:
        """Returns a job of those of its runs that are among these."""
        return replace(self, runs={run: one for run, one in self.runs.items() if run in runs})


class Queue:
    """Jobs that wait. People take turns, and the jobs of one person go in order.

    Whoever has no job waiting and adds one has a turn after all who wait, but before the person who was served last.
    So fifty runs of one person hold nobody up for longer than the one that is being computed, and a turn comes whatever
    others add.
    """

    def __init__(self) -> None:
        self._turns: dict[str | None, list[Job]] = {}
        """The waiting jobs of each person, the person whose turn is next first."""
        self._served: list[str | None] = []
        """The person who was served last, if anybody was."""
        self.resting: list[Job] = []
        """Paused jobs that have made room. They have no turn before somebody resumes them."""

    def __len__(self) -> int:
        """Returns the number of waiting runs."""
        return sum(len(job.runs) for jobs in self._turns.values() for job in jobs)

    def add(self, job: Job) -> None:
        """Puts a job behind the others of its person."""
        if job.owner in self._turns:
            self._turns[job.owner].append(job)
            return
        self._turns[job.owner] = [job]
        for served in self._served:
            if served != job.owner and served in self._turns:
                self._turns[served] = self._turns.pop(served)

    def put_first(self, job: Job) -> None:
        """Gives a job the next turn of all, because it had one that came to nothing."""
        mine = [job, *self._turns.pop(job.owner, [])]
        self._turns = {job.owner: mine, **self._turns}

    def take(self) -> Job | None:
        """Removes and returns the next job; None when no job waits."""
        if not self._turns:
            return None
        owner = next(iter(self._turns))
        job, *others = self._turns.pop(owner)
        if others:
            self._turns[owner] = others
        self._served = [owner]
        return job

    def remove(self, job: Job) -> None:
        """Removes a job that waits or rests."""
        if job in self.resting:
            self.resting.remove(job)
            return
        self._turns[job.owner].remove(job)
        if not self._turns[job.owner]:
            del self._turns[job.owner]

    def give_to(self, job: Job, owner: str | None) -> None:
        """Makes a job another person's. It takes the former one's turn if the other has no job waiting."""
        former, job.owner = job.owner, owner
        if job in self.resting or former == owner:
            return
        turns: dict[str | None, list[Job]] = {}
        for person, jobs in self._turns.items():
            others = [each for each in jobs if each is not job]
            if person == former and owner not in self._turns:
                turns[owner] = [job]
            if person == owner:
                others = [*jobs, job]
            if others:
                turns[person] = others
        self._turns = turns

    def order(self) -> list[Job]:
        """Returns the waiting jobs in the order in which they are computed if no other is added."""
        rounds = zip_longest(*self._turns.values())
        return [job for each in rounds for job in each if job is not None]

    def find(self, run: str) -> Job | None:
        """Returns the job of a run that waits or rests; None for any other run."""
        return next((job for job in [*self.order(), *self.resting] if run in job.runs), None)

    def find_resting(self, run: str) -> Job | None:
        """Returns the job of a run that rests; None for any other run."""
        return next((job for job in self.resting if run in job.runs), None)

    def of(self, owner: str | None) -> list[Job]:
        """Returns the jobs of a person that wait or rest."""
        return [job for job in [*self._turns.get(owner, []), *self.resting] if job.owner == owner]
