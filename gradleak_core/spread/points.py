"""The run of one point of a sweep. It looks at its guess at the same iterations wherever it is played."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from gradleak_core import experiment as engine
from gradleak_core.catalogue import versions
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.worker import bound_memory, choose_device, describe_failure
from gradleak_core.spread import Lost
from gradleak_core.spread.journal import key_of
from gradleak_core.spread.processes import PLACE_VARIABLE
from gradleak_core.types import JSON, Note, Refused

SWEEP_LOOKS = 20
"""The evenly spaced iterations of a run at which its guess is looked at. A look takes as long as some iterations."""


NO_GPU = "There is no GPU here that PyTorch can use; leave out --device, or name the CPU."


@dataclass(frozen=True)
class SweepPoint:
    """A task: one experiment on a device, the best one there unless it is named."""

    experiment: JSON
    device: str = ""

    @cached_property
    def key(self) -> str:
        return key_of(["point", self.experiment, self.device, versions()["gradleak"]])

    @property
    def images(self) -> list[str]:
        images: list[str] = self.experiment["images"]
        return images

    def __call__(self) -> JSON:
        """Plays the run and returns its result, with the true labels and the floor. Raises what the engine raises."""
        device = self.device
        if device in ("", "cuda"):
            device = choose_device(int(os.environ.get(PLACE_VARIABLE, "0")))
        if self.device == "cuda" and not device.startswith("cuda"):
            raise Refused(NO_GPU)
        if device == "cpu":
            bound_memory()
        experiment = engine.load(self.experiment)
        secret = engine.secret(experiment)
        summary, begun = engine.Summary(experiment, device), time.perf_counter()
        for event in engine.run(experiment, device=device, due=looks(self.experiment)):
            begun = time.perf_counter() if isinstance(event, Note) else begun  # a training is not the attack's time
            summary.add(event, time.perf_counter() - begun)
        beside = {"true_labels": secret.labels.tolist(), "floor": engine.floor(experiment, secret)}
        row: JSON = finite(summary.json() | beside | {"versions": versions()})
        return row


def looks(experiment: JSON) -> Callable[[int], bool]:
    """Returns whether a run looks at its guess at an iteration."""
    every = max(1, experiment["attack"].get("steps", 0) // SWEEP_LOOKS)
    return lambda iteration: iteration % every == 0


def failed_row(point: SweepPoint, error: Exception) -> JSON:
    """Returns the row of a point that has no result, which says why."""
    refused = isinstance(error, Refused)
    message = str(error) if isinstance(error, (Refused, Lost)) else describe_failure(error)
    row: JSON = {"experiment": point.experiment, "status": "refused" if refused else "failed", "message": message}
    return row | {"device": point.device or None, "metrics": {}}
