"""The trade-off of a defence: accuracy of federated training under it, beside what an attack still recovers."""

from __future__ import annotations

import base64
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from torch import Tensor

from gradleak_core.config.demand import most_rounds
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.data.pixels import to_small
from gradleak_core.data.sources import source
from gradleak_core.defences import Defence
from gradleak_core.experiment import CODEC, Experiment, preparing, run, shape
from gradleak_core.federation import Federation, Learning, Standing, learner, training_events
from gradleak_core.federation import accuracies as accuracies
from gradleak_core.speed.threads import all_threads
from gradleak_core.types import Frame, Note, Progress, Started

MOST_PICTURES = 4
"""The most pictures of a batch that are kept of a setting."""
GLIMPSE = 1.0
"""The seconds between two looks at what an attack has recovered so far."""
WARMED_UP = 20
"""The iterations of an attack after which its speed is measured."""


@dataclass(frozen=True)
class Leak:
    """The outcome of an attack so far: the scores of its own pick, and the pick's first pictures."""

    scores: dict[str, float]
    pictures: tuple[str, ...]
    """At most four pictures as data addresses."""
    iteration: int
    steps: int
    """The iterations that the attack has at most."""
    pace: float
    """The seconds that one of its iterations takes."""


@dataclass(frozen=True)
class Point:
    """One setting, what each training under it came to, and the scores of the attack's own pick."""

    defences: tuple[Defence, ...]
    learnt: tuple[Learning, ...]
    """How the training of each seed ended."""
    leakage: dict[str, float]
    pictures: tuple[str, ...] = ()
    """The first recovered pictures as data addresses, at most four."""

    @property
    def accuracies(self) -> tuple[float, ...]:
        """The share of held-out pictures recognised, of each seed."""
        return tuple(course.accuracy for course in self.learnt)

    @property
    def accuracy(self) -> float:
        """The mean share of held-out pictures recognised."""
        return sum(self.accuracies) / len(self.accuracies)

    def json(self) -> dict[str, Any]:
        learnt = {"accuracy": round(self.accuracy, 5), "accuracies": [round(one, 5) for one in self.accuracies]}
        learnt |= {"lr": self.learnt[0].lr, "rounds": [course.rounds for course in self.learnt]}
        scores = {name: round(self.leakage[name], 5) for name in ("psnr", "ssim", "likeness")}
        return {"defences": CODEC.encode(self.defences)} | learnt | scores | {"pictures": list(self.pictures)}


@dataclass(frozen=True)
class Draft:
    """A point of which more is to come: so many trainings are finished, and so many iterations of the attack."""

    point: Point
    trained: int
    iteration: int

    def json(self) -> dict[str, Any]:
        return self.point.json() | {"trained": self.trained, "iteration": self.iteration}


@dataclass(frozen=True)
class Outlook:
    """The seconds that all which is left is likely to take at most, by the first rounds and iterations."""

    seconds: float


PriceEvent: TypeAlias = "Note | Draft | Outlook | Point"


def price(
    experiment: Experiment, settings: Sequence[tuple[Defence, ...]], federation: Federation, device: str = "cpu"
) -> Iterator[PriceEvent]:
    """Yields a point for each setting, and before it notes on what is done and drafts of what is there so far.

    Each setting takes the place of the experiment's defences, in the training and in the attack alike; pictures, their
    order and first weights are the same for all. One outlook comes with the first draft. Raises `Refused` where the
    data set is missing or has more classes than the model, where a network cannot learn under a setting, and where the
    experiment's client has nothing to leak.
    """
    source(federation.data, experiment.classes)
    for setting in settings:
        learner(replace(experiment, defences=setting), federation)
    yield from preparing(replace(experiment, defences=settings[0]), device)
    pictures = yield from read_labelled(federation.data, shape(experiment))
    for number, setting in enumerate(settings):
        for event in price_one(replace(experiment, defences=setting), pictures, federation, device):
            if not isinstance(event, Outlook):
                yield event
            elif number == 0:
                yield Outlook(event.seconds * len(settings))


def price_one(
    experiment: Experiment, pictures: Labelled, federation: Federation, device: str = "cpu"
) -> Iterator[PriceEvent]:
    """Yields notes and drafts, and then the point, of the defences of one experiment.

    The attack begins and then waits while the model is trained, so that both numbers are known soon. The outlook says
    how long a whole setting takes at most: with every round of every training, and every iteration of the attack.
    """
    attack = glimpses(experiment, device)
    leak = yield from find_glimpse(attack)
    begun, rounds, standing = time.perf_counter(), 0, Standing()
    with all_threads():
        for known in training_events(experiment, pictures, federation, device):
            if isinstance(known, Note):
                rounds += 1
                yield known
                continue
            said, standing = bool(standing.courses), known
            point = Point(experiment.defences, standing.courses, leak.scores, leak.pictures)
            yield Draft(point, standing.finished, leak.iteration)
            if not said:
                pace = (time.perf_counter() - begun) / rounds
                yield Outlook(pace * most_rounds(federation.rounds, federation.seeds) + leak.pace * leak.steps)
    for event in attack:
        if isinstance(event, Note):
            yield event
        else:
            leak = event
            point = Point(experiment.defences, standing.courses, leak.scores, leak.pictures)
            yield Draft(point, standing.finished, leak.iteration)
    yield Point(experiment.defences, standing.courses, leak.scores, leak.pictures)


def find_glimpse(attack: Iterator[Note | Leak]) -> Generator[Note, None, Leak]:
    """Plays an attack up to its next glimpse, passes its notes on, and returns the glimpse."""
    for event in attack:
        if isinstance(event, Leak):
            return event
        yield event
    raise AssertionError("an attack ends with a frame")


def glimpses(experiment: Experiment, device: str = "cpu") -> Iterator[Note | Leak]:
    """Plays the experiment's attack to its end. Yields notes, and every second, and at the end, what it came to."""
    steps, done, begun, next_look = 0, 0, time.perf_counter(), 0.0

    def due(iteration: int) -> bool:
        return iteration > WARMED_UP and time.perf_counter() >= next_look

    for event in run(experiment, device=device, due=due):
        if isinstance(event, Note):
            yield event
        elif isinstance(event, Started):
            steps, next_look = event.steps, time.perf_counter() + GLIMPSE
        elif isinstance(event, Progress):
            done = event.iteration
            begun = time.perf_counter() if done == WARMED_UP else begun
            yield Note(f"Attacking: iteration {done} of {steps}.")
        elif isinstance(event, Frame):
            pictures = tuple(to_address(image[None]) for image in event.images[:MOST_PICTURES])
            pace = (time.perf_counter() - begun) / max(done - WARMED_UP, 1)
            yield Leak(event.metrics, pictures, done, steps, pace)
            next_look = time.perf_counter() + GLIMPSE


def to_address(image: Tensor) -> str:
    """Returns a picture (1, C, H, W) as a data address, small enough for a page to hold many."""
    return "data:image/webp;base64," + base64.b64encode(to_small(image)).decode()
