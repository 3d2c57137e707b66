"""The engine alone: one experiment in this process, without worker, server or browser."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

from gradleak_core.experiment import Experiment, Summary, run
from gradleak_core.types import Frame

JSON = Any


def play(experiment: Experiment, device: str, limit: float = math.inf, look: float = math.inf) -> JSON:
    """The summary of a run that is cut after `limit` seconds, when the attacker hands in its pick of then.

    `look` is the number of seconds between looks at the pick in between; `highest_likeness` is over these and the last.
    Seconds count from before the model is built.
    """
    summary, highest, following, begun = Summary(experiment, device), 0.0, look, time.perf_counter()

    def clock() -> float:
        return time.perf_counter() - begun

    def due(_: int) -> bool:
        return clock() >= min(limit, following)

    with contextlib.closing(run(experiment, device=device, due=due)) as events:  # type: ignore[type-var]
        for event in events:
            summary.add(event, clock())
            if isinstance(event, Frame):
                highest, following = max(highest, event.metrics["likeness"]), clock() + look
                if clock() >= limit:
                    break
    return summary.json() | {"highest_likeness": highest}
