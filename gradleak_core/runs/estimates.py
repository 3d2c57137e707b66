"""What a run will take, in seconds and bytes, before it is accepted. Imports no torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from gradleak_core.config import demand
from gradleak_core.config.knobs import fitting
from gradleak_core.data.sources import count_pictures
from gradleak_core.forecast import core, foresee_span
from gradleak_core.types import JSON, Refused

REMEMBERED = 200
"""The newest results by which an estimate is corrected."""
BRIEF = 1.0
"""The seconds of an attack that has no iterations to count."""
STARTING = 0.5
"""The seconds of a run besides its iterations: it is loaded, and looked through at its end."""

NEEDED = {"images", "size", "channels", "classes", "model", "weights", "client", "threat", "attack"}
"""The fields of a set-up without which nothing is estimated."""

LEARNT_BY = ("model", "defences", "weights", "size", "channels", "classes", "seed")
"""The fields of a set-up that trained weights follow from."""


@dataclass(frozen=True)
class Estimate:
    """The seconds of computing that a run is expected to take, and the bytes of memory that it may take at most.

    The seconds are those of all its iterations where the same set-up was not run here before, and of the training of a
    network that was not trained here before.
    """

    seconds: float
    memory: float
    by_bound: bool = False
    """True if the seconds follow from the bound, so that they are off by the same factor as those of others."""


class Experience:
    """Remembers what runs have taken on this server. An estimate is made of them."""

    def __init__(self, results: Iterable[Mapping[str, Any]] = ()) -> None:
        self._results: deque[Mapping[str, Any]] = deque(maxlen=REMEMBERED)
        """The results, newest first."""
        self._results.extend(filter(is_telling, results))

    def learn(self, result: Mapping[str, Any]) -> None:
        """Takes in the result of a run that has ended."""
        if is_telling(result):
            self._results.appendleft(result)

    def estimate(self, experiment: JSON, catalogue: JSON) -> Estimate:
        """Returns the estimate of a run; before the catalogue is known, that of a brief one."""
        if not catalogue:
            return Estimate(STARTING + BRIEF, float(demand.BASE))
        bound = demand.estimate(experiment, catalogue)
        memory = bound.memory if bound else float(demand.BASE)
        took = [result["seconds"] for result in self._results if is_same(result["experiment"], experiment)]
        before = STARTING + self.estimate_training(experiment, catalogue)
        if took:
            return Estimate(before + median(took), memory)
        if span := foresee_span(experiment, self._results, catalogue):
            return Estimate(before + span.seconds, memory, not span.measured)
        if bound is None:
            return Estimate(before + BRIEF, memory)
        return Estimate(before + experiment["attack"].get("steps", 1) * bound.seconds, memory, True)

    def estimate_training(self, experiment: JSON, catalogue: JSON) -> float:
        """Returns the seconds of training before the attack; 0 if an earlier run has left the network trained here."""
        weights = experiment.get("weights", {})
        if not weights.get("epochs") or any(share_weights(experiment, one["experiment"]) for one in self._results):
            return 0.0
        return demand.estimate_learning(experiment, weights["epochs"] * count_pictures(weights["dataset"]), catalogue)

    def expect(self, experiment: JSON, catalogue: JSON) -> Estimate:
        """Returns the estimate of a stored run; one of no seconds for a run that cannot be used here."""
        try:
            return self.estimate(fitting(experiment, catalogue) if catalogue else {}, catalogue)
        except Refused:
            return Estimate(0.0, 0.0)


def is_telling(result: Mapping[str, Any]) -> bool:
    """Returns whether a result says how long a run takes: it has its time, and nobody stopped it."""
    whole = (result.get("experiment") or {}).keys() >= NEEDED
    return whole and bool(result.get("seconds")) and result.get("status") != "stopped"


def share_weights(experiment: JSON, other: JSON) -> bool:
    """Returns whether two set-ups attack a network with the same weights."""
    return all(experiment.get(name) == other.get(name) for name in LEARNT_BY)


def is_same(experiment: JSON, other: JSON) -> bool:
    """Returns whether two set-ups differ at most in pictures, labels, seed and threads."""
    return len(experiment["images"]) == len(other["images"]) and core(experiment) == core(other)
