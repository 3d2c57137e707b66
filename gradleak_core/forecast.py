"""When a run will be recognisable, said from its own first frames. Imports no torch.

The forecast is the onlooker's: it looks at the scores of the first frames, which the attacker does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log, sqrt
from statistics import median
from typing import Any, NamedTuple

FROM = 0.6
"""The share of the way to recognisable from which a forecast is made; before it the course cannot be told."""
LEAST = 0.05
"""The least share of the way that the last doubling of the iterations must have brought, or nothing is said."""
STOOD = 1.0
"""The least seconds between a forecast and the recognisable picture, or nobody could read it and it is not scored."""
AS_FORECAST = 1.25
"""The factor within which a run was recognisable as forecast."""
FREE = ("images", "labels", "seed", "threads")
"""Fields of a set-up in which two runs may differ and still take about as long."""


class Sighting(NamedTuple):
    """A frame as the forecast sees it."""

    iteration: int
    seconds: float
    nearness: float
    """The score as a share of the one from which a picture is recognisable."""


class Forecast:
    """A forecast that is made once in a run, from its first frames, and kept so that it can be checked.

    `seconds` is the computing time at which the picture should be recognisable, `made` that at which the forecast was
    made. Both are None while nothing can be said: before `FROM`, where the last doubling of the iterations brought next
    to nothing, and where the iterations would not suffice. Scores of gradient matching grow faster than the logarithm
    of the iterations and slower than the iterations themselves, so the forecast is the geometric mean of the two
    continuations of the last doubling. An iteration is taken to last as long as the newer half of them.
    """

    def __init__(self, steps: int = 0) -> None:
        self.steps = steps
        self.points: list[Sighting] = []
        self.seconds: float | None = None
        self.made: float | None = None

    def add(self, iteration: int, seconds: float, nearness: float) -> None:
        """Takes in a frame."""
        self.points.append(Sighting(iteration, seconds, nearness))
        if self.seconds is None and FROM <= nearness < 1:
            self.seconds = self.extrapolate()
            self.made = seconds if self.seconds is not None else None

    def save(self) -> dict[str, Any]:
        """Returns what is known so far as plain values, for `resume`."""
        return vars(self) | {"points": [tuple(point) for point in self.points]}

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what was saved."""
        vars(self).update(saved, points=[Sighting(*point) for point in saved["points"]])

    def extrapolate(self) -> float | None:
        """Returns the seconds at which the picture is recognisable if it goes on like this; None where it would not."""
        now = self.points[-1]
        before = next((p for p in reversed(self.points) if 2 * p.iteration <= now.iteration), None)
        if before is None or self.points[0].nearness >= 1:
            return None
        brought = (now.nearness - before.nearness) / log(now.iteration / before.iteration, 2)
        if brought < LEAST:
            return None
        logarithmic = now.iteration * 2 ** ((1 - now.nearness) / brought)
        span = now.iteration - before.iteration
        linear = now.iteration + span * (1 - now.nearness) / (now.nearness - before.nearness)
        iteration = sqrt(logarithmic * linear)
        pace = (now.seconds - before.seconds) / span
        return now.seconds + (iteration - now.iteration) * pace if iteration <= self.steps else None


def compare_forecast(forecast: float | None, made: float | None, seconds: float | None) -> str:
    """Says, after the time that a run took to be recognisable, how a forecast fared that was `made` at its time.

    The text is empty without a forecast, and where it came too late to be read.
    """
    if forecast is None or made is None or seconds is None or seconds - made < STOOD:
        return ""
    if seconds / AS_FORECAST <= forecast <= seconds * AS_FORECAST:
        return ", as forecast"
    return f"; the forecast was {forecast:.1f} s" if forecast < 9.95 else f"; the forecast was {forecast:.0f} s"


def time_before(experiment: Mapping[str, Any], results: Iterable[Mapping[str, Any]]) -> float | None:
    """Returns the seconds to recognisable of runs of the same set-up but for pictures and seed, their median.

    `results` are those of earlier runs on this server. Returns None where most of them never were recognisable.
    """
    wanted, count = core(experiment), len(experiment["images"])
    alike = [
        result.get("seconds_to_recognisable")
        for result in results
        if len(result["experiment"]["images"]) == count and core(result["experiment"]) == wanted
    ]
    took = [seconds for seconds in alike if seconds is not None]
    return median(took) if 2 * len(took) > len(alike) else None


def core(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a set-up says besides its pictures, labels, seed and threads."""
    return {key: value for key, value in experiment.items() if key not in FREE}
