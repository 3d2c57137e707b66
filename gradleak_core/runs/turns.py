"""Several runs in one process, each a few milliseconds at a time, so that all of them form before one's eyes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gradleak_core.runs.loop import Run
from gradleak_core.runs.pulse import Pulse

Fail = Callable[[str, Exception], None]


class Lane:
    """A run in a race, and the number of CPU threads that torch had at the end of the run's last turn."""

    def __init__(self, run: Run, experiment: Any) -> None:
        self.run = run
        self.events: Iterator[None] = run.turns(experiment)
        self.threads = torch.get_num_threads()

    def advance(self) -> bool:
        """Plays one turn. Returns whether there is another. Raises what the engine raises."""
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        going_on = next(self.events, self) is None
        self.threads = torch.get_num_threads()
        return going_on

    def place(self, by: str) -> tuple[bool, float]:
        """Returns how far the run is. One that has not started comes first, so that networks are trained in order."""
        return self.run.started, self.run.spent if by == "seconds" else self.run.iteration


def play_in_turns(runs: Sequence[tuple[Run, Any]], by: str, fail: Fail) -> None:
    """Plays experiments to their ends; the run that is furthest behind has the next turn.

    `by` says in what it is behind: "iterations", whose frames are then of the same iterations, or "seconds" of
    computing. `fail` is told which run broke off, and why; the others go on.
    """
    lanes, together = [Lane(run, experiment) for run, experiment in runs], Pulse(len(runs))
    for lane in lanes:
        lane.run.pulse = together if by == "iterations" else Pulse(len(runs))
    while lanes:
        going = [lane for lane in lanes if not lane.run.waiting]
        if not going:
            lanes[0].run.controls.hold(lanes[0].run.told)
            continue
        lane = min(going, key=lambda lane: lane.place(by))
        try:
            going_on = lane.advance()
        except Exception as error:
            fail(lane.run.run, error)
            going_on = False
        if not going_on:
            lane.run.controls.over = True
            lanes.remove(lane)
