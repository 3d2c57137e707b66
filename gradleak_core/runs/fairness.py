"""The rules by which runs share the workers: when one makes room for others. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from statistics import median
from typing import Any

from gradleak_core.runs.estimates import Estimate
from gradleak_core.runs.hub import Trace
from gradleak_core.runs.jobs import Job

SLICE = 5.0
"""The fewest seconds that a job computes before it makes room for a shorter one."""
SWITCHES = 5.0
"""A job computes for at least so many times as long as it took to begin, so that beginning again costs little."""
LONGEST_TURN = 60.0
"""The seconds after which a job makes room for any other person's, and a paused or slowed one for anybody's."""
LONGER = 2.0
"""How many times as long the rest of a job must be as another person's job for which it makes room."""
MUCH_LONGER = 5.0
"""How many times as long it must be as one of the same person, who has chosen the order."""
ANSWER = 30.0
"""The seconds within which a worker makes room, once its iteration is done."""
NO_ESTIMATE = Estimate(0.0, 0.0)
RATE_KNOWN = 1.0
"""The seconds of computing after which the rate of a run says how long the rest may take."""


class Turn:
    """The time for which a worker has had a job."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.computing: float | None = None
        """When the first frame of this turn came."""
        self.paused: float | None = None
        """When the job was paused; None while it goes on."""
        self.asked: float | None = None
        """When the worker was asked to make room."""

    def hear(self, kind: str, head: Mapping[str, Any]) -> None:
        """Takes in what a worker says of its job."""
        now = time.monotonic()
        if kind == "frame" and self.computing is None:
            self.computing = now
        elif kind == "state":
            self.paused = now if head["state"] == "paused" else None

    def end(self) -> None:
        """Notes that the worker was asked to make room."""
        self.asked = time.monotonic()

    @property
    def ending(self) -> bool:
        """Returns whether the worker was asked to make room, and may still do so."""
        return self.asked is not None and time.monotonic() < self.asked + ANSWER

    @property
    def refused(self) -> bool:
        """Returns whether the worker has not made room, because too much would have to be written down of its job."""
        return self.asked is not None and not self.ending

    @property
    def least(self) -> float:
        """The seconds for which the job computes undisturbed."""
        return min(max(SLICE, SWITCHES * ((self.computing or self.begun) - self.begun)), LONGEST_TURN)

    def until_room(self, job: Job, left: float, waiting: Sequence[tuple[Job, float]]) -> float:
        """Returns the seconds until a job, with so many left, makes room for one of those that wait; inf for never."""
        now = time.monotonic()
        if self.paused is not None:
            return max(LONGEST_TURN - (now - self.paused), 0.0) if waiting else inf
        had = 0.0 if self.computing is None else now - self.computing
        return max(longest_turn(job, left, waiting, self.least) - had, 0.0)


def longest_turn(job: Job, left: float, waiting: Sequence[tuple[Job, float]], least: float) -> float:
    """Returns the seconds for which a job may compute, at least `least`, before it makes room; inf without a limit.

    Each of those that wait comes with the seconds that it needs, as `left` are those that the job itself needs.
    """
    longest = inf
    for other, needs in waiting:
        strange = other.owner != job.owner
        if left >= needs * (LONGER if strange else MUCH_LONGER):
            return least
        if job.per_second or (strange and left >= SLICE):
            longest = LONGEST_TURN
    return longest


def seconds_left(job: Job, traces: Mapping[str, Trace], slowness: float = 1.0) -> float:
    """Returns the seconds that a job is still expected to need, where runs take `slowness` times what was expected."""
    found = {run: traces[run] for run in job.runs if run in traces and not traces[run].over}
    return sum(run_left(job, run, trace, slowness) for run, trace in found.items())


def run_left(job: Job, run: str, trace: Trace, slowness: float = 1.0) -> float:
    """Returns the seconds that a run of a job is still expected to need.

    Its own rate says it, once there is one. A set-up that was run here before may end earlier than at its last
    iteration, as it did then.
    """
    expected, total = job.expected.get(run, NO_ESTIMATE), rated(trace)
    rest = max(expected.seconds * (slowness if expected.by_bound else 1.0) - trace.seconds, 0.0)
    if total is not None:
        by_rate = total - trace.seconds
        rest = min(rest, by_rate) if rest and not expected.by_bound else by_rate
    steps = max((trace.head["steps"] or 0) - trace.last, 0)
    return max(rest, steps / job.per_second) if job.per_second else rest


def rated(trace: Trace) -> float | None:
    """Returns the seconds that all iterations of a run take at its rate; None where it is not known yet."""
    steps = trace.head["steps"] or 0
    return max(steps / trace.last, 1.0) * trace.seconds if trace.last and trace.seconds >= RATE_KNOWN else None


def find_slowness(jobs: Iterable[Job], traces: Mapping[str, Trace]) -> float:
    """Returns how many times as long as by their bounds those runs take whose rate is known; 1 without any."""
    found = [
        total / expected.seconds
        for job in jobs
        for run, expected in job.expected.items()
        if expected.by_bound and run in traces and (total := rated(traces[run])) is not None
    ]
    return median(found) if found else 1.0


def round_wait(seconds: float) -> int:
    """Returns a wait that is no more exact than it is known, and so does not change at every moment."""
    step = next(step for most, step in ((10, 1), (100, 5), (inf, 60)) if seconds <= most)
    return max(round(seconds / step), 1) * step
