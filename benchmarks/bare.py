"""The engine alone: one experiment in this process, without worker, server or browser."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

from gradleak_core.experiment import Experiment, Summary, run
from gradleak_core.types import Frame

JSON = Any
CLEAR_PSNR = 25.0
"""The PSNR in dB whose first iteration is noted where a run is looked at every so many iterations."""


def play(
    experiment: Experiment, device: str, limit: float = math.inf, look: float = math.inf, every: float = math.inf
) -> JSON:
    """The summary of a run that is cut after `limit` seconds, when the attacker hands in its pick of then.

    `look` is the number of seconds and `every` that of iterations between looks at the pick in between;
    `highest_likeness` is over these and the last, and so is the first iteration of 25 dB, which is said with `every`.
    Seconds count from before the model is built.
    """
    summary, highest, following, begun = Summary(experiment, device), 0.0, look, time.perf_counter()
    clear: int | None = None

    def clock() -> float:
        return time.perf_counter() - begun

    def due(iteration: int) -> bool:
        return iteration % every == 0 or clock() >= min(limit, following)

    with contextlib.closing(run(experiment, device=device, due=due)) as events:  # type: ignore[type-var]
        for event in events:
            summary.add(event, clock())
            if isinstance(event, Frame):
                highest, following = max(highest, event.metrics["likeness"]), clock() + look
                if clear is None and event.metrics["psnr"] >= CLEAR_PSNR:
                    clear = event.iteration
                if clock() >= limit:
                    break
    said = {} if math.isinf(every) else {"iterations_to_25_db": clear}
    return summary.json() | {"highest_likeness": highest} | said
