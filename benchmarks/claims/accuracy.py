"""Federated training under a claim's defences: what is paid for them in accuracy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from benchmarks.claims.whole import done, note, read
from benchmarks.setting import Setting
from gradleak_core import pricing
from gradleak_core.experiment import CODEC, Experiment
from gradleak_core.types import Note

JSON = Any
Value = TypeVar("Value")


@dataclass(frozen=True)
class Training:
    """One training of an experiment's model under its defences, with all that another process needs for it."""

    experiment: Experiment
    federation: pricing.Federation
    device: str

    @property
    def key(self) -> str:
        """What tells two trainings apart wherever they are done, in sixteen hexadecimal digits."""
        said = ["training", CODEC.encode(self.experiment), asdict(self.federation)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def __call__(self) -> JSON:
        """Trains, and returns the accuracy on held-out pictures half-way and at the end."""
        shape = pricing.shape(self.experiment)
        pictures = finish(pricing.read_labelled(self.federation.data, shape))
        rounds = pricing.rounds_of_training(self.experiment, pictures, self.federation, self.device, looks=2)
        half, end = (accuracy for _, accuracy in rounds if accuracy is not None)
        return {"seed": self.experiment.seed, "accuracy": end, "accuracy_halfway": half}


def train_all(runs: Iterable[tuple[JSON, Experiment]], setting: Setting, federation: pricing.Federation) -> list[JSON]:
    """Trains the model of each experiment, `setting.jobs` at once, and returns the rows in order."""
    pairs = [(head, Training(experiment, federation, setting.device)) for head, experiment in runs]
    known = read(setting.journal)
    for job, row in done([job for _, job in pairs if job.key not in known], setting.jobs):  # type: ignore[arg-type]
        known[job.key] = row
        note(setting.journal, job.key, row)
    return [head | known[job.key] for head, job in pairs]


def finish(notes: Generator[Note, None, Value]) -> Value:
    """Returns what a generator of notes returns, and drops its notes."""
    while True:
        try:
            next(notes)
        except StopIteration as end:
            value: Value = end.value
            return value
