"""The trade-off of a defence: accuracy of federated training under it, beside what an attack still recovers."""

from __future__ import annotations

import base64
import time
from collections.abc import Generator, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core import training
from gradleak_core.client import defended, draw_latents, local_updates, parameters
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.data.pixels import to_small
from gradleak_core.data.sources import source
from gradleak_core.defences import Defence
from gradleak_core.experiment import CODEC, Experiment, network, preparing, run, shape
from gradleak_core.seeds import Role, seed_for
from gradleak_core.speed.threads import all_threads
from gradleak_core.types import Frame, Knob, Note, Progress, Started, Update


@dataclass(frozen=True)
class Federation:
    """The federated training that shows what a defence costs.

    In each round every client takes a mini-batch of its own share of the pictures and sends its update, made and
    defended as in the experiment; the server takes their mean as a gradient for a step of Adam (Reddi et al. 2021).
    So a defence that only rescales the update, such as clipping or signs, is not judged by a step size made for others.
    """

    data: Annotated[str, Knob("Data set", "digits, a torchvision set, or folder:NAME for a folder.")] = "digits"
    rounds: Annotated[int, Knob("Rounds", "Steps of the server.", 1, 10_000, log=True)] = 200
    clients: Annotated[int, Knob("Clients", "Updates averaged in a round.", 1, 64)] = 4
    batch: Annotated[int, Knob("Batch", "Pictures that a client takes in a round.", 1, 256)] = 16
    lr: Annotated[float, Knob("Server's learning rate", "Step size of Adam.", 1e-5, 1, log=True)] = 5e-3


MOST_PICTURES = 4
"""The most pictures of a batch that are kept of a setting."""
LOOKS = 10
"""How often the accuracy is looked at while a model is trained."""
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
    """One setting, the share of held-out pictures recognised, and the scores of the attack's own pick."""

    defences: tuple[Defence, ...]
    accuracy: float
    leakage: dict[str, float]
    pictures: tuple[str, ...] = ()
    """The first recovered pictures as data addresses, at most four."""

    def json(self) -> dict[str, Any]:
        scores = {name: round(self.leakage[name], 5) for name in ("psnr", "ssim", "likeness")}
        head = {"defences": CODEC.encode(self.defences), "accuracy": round(self.accuracy, 5)}
        return head | scores | {"pictures": list(self.pictures)}


@dataclass(frozen=True)
class Draft:
    """A point of which more is to come: its accuracy is that after `rounds` rounds, its scores after `iteration`."""

    point: Point
    rounds: int
    iteration: int

    def json(self) -> dict[str, Any]:
        return self.point.json() | {"rounds": self.rounds, "iteration": self.iteration}


@dataclass(frozen=True)
class Outlook:
    """The seconds that all which is left is likely to take, by the first rounds and iterations."""

    seconds: float


PriceEvent: TypeAlias = "Note | Draft | Outlook | Point"


def price(
    experiment: Experiment, settings: Sequence[tuple[Defence, ...]], federation: Federation, device: str = "cpu"
) -> Iterator[PriceEvent]:
    """Yields a point for each setting, and before it notes on what is done and drafts of what is there so far.

    Each setting takes the place of the experiment's defences, in the training and in the attack alike; pictures, their
    order and first weights are the same for all. One outlook comes with the first draft. Raises `Refused` where the
    data set is missing or has more classes than the model, and where the experiment's client has nothing to leak.
    """
    source(federation.data, experiment.classes)
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
    how long a whole setting takes, with every iteration of the attack.
    """
    attack = glimpses(experiment, device)
    leak = yield from find_glimpse(attack)
    begun, accuracy, said = time.perf_counter(), 0.0, False
    with all_threads():
        for number, right in rounds_of_training(experiment, pictures, federation, device):
            yield Note(f"Training: round {number} of {federation.rounds}.")
            if right is not None:
                accuracy = right
                yield Draft(Point(experiment.defences, accuracy, leak.scores, leak.pictures), number, leak.iteration)
            if right is not None and not said:
                said, a_round = True, (time.perf_counter() - begun) / number
                yield Outlook(a_round * federation.rounds + leak.pace * leak.steps)
    for event in attack:
        if isinstance(event, Note):
            yield event
        else:
            leak = event
            point = Point(experiment.defences, accuracy, leak.scores, leak.pictures)
            yield Draft(point, federation.rounds, leak.iteration)
    yield Point(experiment.defences, accuracy, leak.scores, leak.pictures)


def find_glimpse(attack: Iterator[Note | Leak]) -> Generator[Note, None, Leak]:
    """Plays an attack up to its next glimpse, passes its notes on, and returns the glimpse."""
    for event in attack:
        if isinstance(event, Leak):
            return event
        yield event
    raise AssertionError("an attack ends with a frame")


def rounds_of_training(
    experiment: Experiment, pictures: Labelled, federation: Federation, device: str = "cpu", looks: int = LOOKS
) -> Iterator[tuple[int, float | None]]:
    """Trains from the experiment's first weights, and yields each round's number and accuracy on held-out pictures.

    The accuracy is measured `looks` times at even steps, the last time after the last round, and None in between.
    """
    model = network(experiment).train(experiment.client.train).to(device)
    order = torch.Generator().manual_seed(seed_for(experiment, Role.CLIENT))
    draws = torch.Generator().manual_seed(seed_for(experiment, Role.DEFENCES))
    noise = torch.Generator(device).manual_seed(seed_for(experiment, Role.ATTACKER))
    shares = torch.randperm(len(pictures.labels), generator=order).chunk(federation.clients)
    optimiser = torch.optim.Adam(model.parameters(), federation.lr)
    for number in range(1, federation.rounds + 1):
        rows = [share[torch.randint(len(share), (federation.batch,), generator=order)] for share in shares]
        updates = [one_client(experiment, model, pictures, chosen, draws, noise) for chosen in rows]
        for name, parameter in model.named_parameters():
            parameter.grad = torch.stack([update[name] for update in updates]).mean(0)
        optimiser.step()
        due = number * looks // federation.rounds > (number - 1) * looks // federation.rounds
        yield number, evaluate_copy(experiment, model, pictures) if due else None


def evaluate_copy(experiment: Experiment, model: nn.Module, pictures: Labelled) -> float:
    """Returns the share of held-out pictures that a copy of the model recognises; the model itself stays as it is."""
    model = deepcopy(model)
    if experiment.client.train:
        training.calibrate(model, pictures)
    return training.evaluate_accuracy(model, pictures)


def one_client(
    experiment: Experiment,
    model: nn.Module,
    pictures: Labelled,
    rows: Tensor,
    draws: torch.Generator,
    noise: torch.Generator,
) -> Update:
    """Returns the update that one client shares for these pictures, by the code of the attacked client.

    `draws` is for the layers of the model, on the CPU; `noise` for the defences, on the device.
    """
    x = training.pixels(pictures.images[rows], next(model.parameters()).device)
    y = F.one_hot(pictures.labels[rows], experiment.classes).to(x)
    for defence in experiment.defences:
        x, y = defence.inputs(x, y, noise)
    latents = draw_latents(model, x, experiment.client, draws)
    updates = local_updates(model, parameters(model), x, y, latents, experiment.client, experiment.defences)
    return defended(updates, experiment.defences, noise)


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
