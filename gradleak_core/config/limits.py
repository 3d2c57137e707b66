"""What one person may ask of a server whose people are told apart, so that nobody takes the others' share."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from gradleak_core.config.demand import to_lower
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import about

WINDOW = 60.0
"""The seconds over which uploads are counted."""


class OverLimit(Refused):
    """An error for somebody who has what one person may have. The message is a sentence with what to do."""


@dataclass(frozen=True)
class Limits:
    """The most that one person may have at a time."""

    queued: int = 10
    """Runs that wait, or rest after they have made room."""
    seconds: int = 3600
    """The estimated seconds of all of these."""
    run: int = 1800
    """The estimated seconds of one run."""
    uploads: int = 30
    """Pictures handed in within a minute."""
    megabytes: int = 200
    """The megabytes of all pictures that are kept."""

    def check_run(self, experiment: JSON, seconds: float) -> None:
        """Raises `Refused` for a run that would take longer than one run may."""
        if seconds > self.run:
            most = f"one run may take {about(self.run)} here"
            raise Refused(f"This run would take about {about(seconds)}, and {most}; lower {to_shorten(experiment)}.")

    def check_price(self, experiment: JSON, seconds: float, settings: int, rounds: int) -> None:
        """Raises `Refused` for a price whose settings, each an attack and a training, take longer than one run may."""
        if settings * seconds > self.run:
            took = f"This price of {settings} settings would take about {about(settings * seconds)}"
            lower = f"the rounds ({rounds:,}) or {to_shorten(experiment)}"
            raise Refused(f"{took}, and one may take {about(self.run)} here; price fewer defences, or lower {lower}.")

    def check_queue(self, waiting: Sequence[float], asked: Sequence[float]) -> None:
        """Raises `OverLimit` when a person may not add runs to those that wait. Of both the seconds are given."""
        if len(waiting) + len(asked) > self.queued:
            have = f"{len(waiting)} of your runs are waiting" if waiting else f"These are {len(asked)} runs"
            raise OverLimit(
                f"{have}, and one person may have {self.queued} waiting here; wait until some have begun, or stop some."
            )
        if (total := sum(waiting) + sum(asked)) > self.seconds:
            raise OverLimit(
                f"Your waiting runs would take about {about(total)} with this, and one person may queue "
                f"{about(self.seconds)} here; wait until some have ended, or stop some."
            )

    def check_pictures(self, kept: int) -> None:
        """Raises `OverLimit` for somebody who has used up the room for pictures with so many bytes."""
        if kept >= self.megabytes * 10**6:
            raise OverLimit(
                f"Your pictures take {kept / 1e6:.0f} MB, and one person may keep {self.megabytes} MB here; "
                "delete some of your runs with pictures of your own."
            )


USUAL_LIMITS = Limits()


def to_shorten(experiment: JSON) -> str:
    """Names the numbers that the seconds of a run grow with, and what they are."""
    epochs = experiment.get("weights", {}).get("epochs")
    trained = f"the epochs of training ({epochs}) or " if epochs else ""
    return f"the iterations ({experiment['attack'].get('steps', 1):,}) or {trained}{to_lower(experiment)}"


def read_limits(texts: Iterable[str]) -> Limits:
    """Returns limits from texts such as `queued=20`; the others are the usual ones. Raises `Refused`."""
    limits, names = Limits(), [field.name for field in fields(Limits)]
    for text in texts:
        name, _, value = text.partition("=")
        if name not in names or not (value.isascii() and value.isdecimal() and 1 <= len(value) <= 9 and int(value)):
            known = " or ".join(names)
            raise Refused(f"{text[:80]!r} is no limit; write it like queued=20, with {known} and a number from 1 on.")
        limits = replace(limits, **{name: int(value)})
    return limits


class Rate:
    """Counts what each person does within a minute. May be used from any thread."""

    def __init__(self) -> None:
        self._times: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def count(self, person: str, most: int) -> None:
        """Counts one upload of a person. Raises `OverLimit`, and does not count it, when there were `most` already."""
        now = time.monotonic()
        with self._lock:
            for name in [name for name, times in self._times.items() if times[-1] <= now - WINDOW]:
                del self._times[name]
            times = self._times[person]
            while times and times[0] <= now - WINDOW:
                times.popleft()
            if len(times) >= most:
                wait = math.ceil(times[0] + WINDOW - now)
                raise OverLimit(f"One person may hand in {most} pictures a minute here; try again in {wait} s.")
            times.append(now)
