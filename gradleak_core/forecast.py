"""When a run will be recognisable, said from its own first frames. Imports no torch.

The forecast is the onlooker's: it looks at the scores of the first frames, which the attacker does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log, sqrt
from statistics import median
from typing import Any, NamedTuple

from gradleak_core.config.demand import estimate, first_device
from gradleak_core.types import JSON

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

RATED = 20
"""The least iterations of a run whose pace says how long others take; its first ones load things."""
PACE = 2.0
"""How many times as long as estimated an iteration took on two cores, as the median of networks and sizes."""


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


class Span(NamedTuple):
    """The seconds that all iterations of a run may take, and whether runs of the same work say so."""

    seconds: float
    measured: bool


def foresee_span(experiment: JSON, results: Iterable[JSON], catalogue: JSON) -> Span | None:
    """Returns how long a run may take: at the pace of the same work in earlier `results`, else as estimated.

    The estimate is of a CPU's time and is off by a few times, less so once earlier runs of any kind have told this
    machine's pace. Returns None where nothing is known.
    """
    steps, rated = experiment["attack"].get("steps"), [found for found in results if is_rated(found)]
    if not steps:
        return None
    alike = [seconds_each(found) for found in rated if work_of(found["experiment"]) == work_of(experiment)]
    if alike:
        return Span(steps * median(alike), True)
    asked = estimate(experiment, catalogue)
    if asked is None or first_device(catalogue)["kind"] != "cpu":
        return None
    known = [(seconds_each(found), estimate(found["experiment"], catalogue)) for found in rated]
    paces = [seconds / foreseen.seconds for seconds, foreseen in known if foreseen]
    return Span(steps * asked.seconds * (median(paces) if paces else PACE), False)


def is_rated(result: JSON) -> bool:
    """Returns whether a result tells a pace."""
    return bool(result.get("seconds")) and (result.get("iterations") or 0) >= RATED


def seconds_each(result: JSON) -> float:
    """Returns the seconds that an iteration of a finished run took."""
    return float(result["seconds"] / result["iterations"])


def work_of(experiment: JSON) -> Any:
    """Returns what one iteration of a set-up computes: all but its pictures' content, its seed and its length."""
    attack = {key: value for key, value in experiment["attack"].items() if key not in ("steps", "goal")}
    return core(experiment) | {"attack": attack, "images": len(experiment["images"]), "fork": ""}
