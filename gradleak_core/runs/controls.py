"""Pause, step, pace and stop of the run in progress: between the worker's reader thread and its run loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

UNHURRIED = 0.1
"""The seconds between two iterations from which on every iteration is shown."""


class Controls:
    """The commands to a run. One thread calls `apply`; the run's loop calls `tick` and `hold` in another."""

    def __init__(self, patience: float = 0.0) -> None:
        self.patience = patience
        """The seconds to wait for an answer at a plateau; without any, a run goes on unasked."""
        self.hurried = False
        """True once another run waits for this one."""
        self.ticks = 0
        """The iterations that the run has done."""
        self.paused = False
        self.held = False
        """True while all runs stand still, whether this one is paused or not."""
        self.stopped = False
        self.leaving = False
        """True once the run is to make room for others, and to be taken up again later."""
        self.over = False
        """True once the run has ended."""
        self.wasted = 0.0
        """The seconds spent keeping the pace instead of computing."""
        self._until: int | None = None
        """The iteration at which the run pauses."""
        self._gap = 0.0
        self._next = 0.0
        self.changed = threading.Condition()
        """The lock without which no command is taken and no iteration counted."""

    def apply(self, command: dict[str, Any]) -> None:
        """Takes one of the commands `pause`, `resume`, `stop`, `step`, `pace`, `hurry`, `yield` and `hold`."""
        kind = command["type"]
        with self.changed:
            if kind == "stop":
                self.stopped = True
            elif kind == "hurry":
                self.hurried = True
            elif kind == "yield":
                self.leaving = True
            elif kind == "hold":
                self.held = command["held"]
            elif kind == "pace":
                self._gap = 1 / command["per_second"] if command["per_second"] else 0.0
            else:
                self.paused = kind == "pause"
                self._until = find_target(command, self.ticks) if kind == "step" else None
            self.changed.notify_all()

    @property
    def ending(self) -> bool:
        """Returns whether the run must give its worker up, for good or for now."""
        return self.stopped or self.leaving

    @property
    def leaving_at_once(self) -> bool:
        """Returns whether a run that leaves must not compute up to its next checkpoint, because it was held back."""
        return self.leaving and (bool(self.standing) or self._gap >= UNHURRIED)

    @property
    def standing(self) -> str:
        """Says why the run stands still: it is `paused`, or `held` as all are; empty while it goes on."""
        return "paused" if self.paused else "held" if self.held else ""

    def tick(self) -> bool:
        """Keeps the pace after an iteration. Returns whether that iteration has to be shown.

        It has to when the loop will rest there, or when the pace is so slow that every iteration can be shown.
        """
        if self._gap:
            self._keep_pace()
        with self.changed:
            self.ticks += 1
            if self._until is not None and self.ticks >= self._until:
                self.paused, self._until = True, None
        return bool(self.standing) or self.stopped or self._gap >= UNHURRIED

    def hold(self, told: str = "paused") -> None:
        """Waits while the run stands still for the reason that was told."""
        with self.changed:
            self.changed.wait_for(lambda: self.standing != told or self.ending)

    def take_up(self, iteration: int) -> None:
        """Counts on from the iteration at which the run was left."""
        with self.changed:
            self.ticks = iteration

    def step_to(self, iteration: int) -> None:
        """Lets the run go on to an iteration, at least one more, and then pause."""
        with self.changed:
            self.paused, self._until = False, iteration
            self.changed.notify_all()

    def await_answer(self) -> bool:
        """Waits at a plateau. Returns whether the run goes on: if that was asked for, or if nobody can be asked."""
        if not self.patience:
            return True
        with self.changed:
            self.paused = True
            self._wait(lambda: not self.paused or self.ending or self.hurried, self.patience)
            self._wait(lambda: not self.held or not self.paused or self.ending)  # nobody was to answer meanwhile
            going_on, self.paused = not self.paused or self.stopped, False
        return going_on

    def _keep_pace(self) -> None:
        now = time.perf_counter()
        with self.changed:
            gap = self._gap
            self._next = max(self._next + gap, now)
            self._wait(lambda: self.ending or bool(self.standing) or self._gap != gap, self._next - now)

    def _wait(self, until: Any, timeout: float | None = None) -> None:
        begun = time.perf_counter()
        self.changed.wait_for(until, timeout)
        self.wasted += time.perf_counter() - begun


def find_target(command: dict[str, Any], reached: int) -> int:
    """Returns the iteration at which a step or a pause ends that comes when one was reached.

    A command that waited for a worker names the iteration itself, `until`, because nobody knows what it will find.
    """
    target: int = command.get("until", reached + command.get("iterations", 1))
    return target


def apply_to_lanes(lanes: Sequence[Controls], command: dict[str, Any]) -> None:
    """Gives a command to all lanes of a race that go on; those that are to pause do so at the same iteration."""
    lanes = [lane for lane in lanes if not lane.over]
    if len(lanes) < 2 or command["type"] not in ("pause", "step"):
        for lane in lanes:
            lane.apply(command)
        return
    with ExitStack() as locked:
        for lane in lanes:
            locked.enter_context(lane.changed)
        if command["type"] == "step" or not all(lane.paused for lane in lanes):
            target = find_target(command, max(lane.ticks for lane in lanes))
            for lane in lanes:
                lane.step_to(target)
