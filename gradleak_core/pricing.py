"""The trade-off of a defence: accuracy of federated training under it, beside what an attack still recovers."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core import training
from gradleak_core.client import parameters, released_update
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.data.sources import source
from gradleak_core.defences import Defence
from gradleak_core.experiment import CODEC, Experiment, Role, network, preparing, run, seed_for, shape
from gradleak_core.speed.threads import ALL_THREADS
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


@dataclass(frozen=True)
class Point:
    """One setting, the share of held-out pictures recognised, and the scores of the attack's own pick."""

    defences: tuple[Defence, ...]
    accuracy: float
    leakage: dict[str, float]

    def json(self) -> dict[str, Any]:
        scores = {name: round(self.leakage[name], 5) for name in ("psnr", "ssim", "likeness")}
        return {"defences": CODEC.encode(self.defences), "accuracy": round(self.accuracy, 5), **scores}


Setting: TypeAlias = "tuple[Defence, ...]"


def price(
    experiment: Experiment, settings: Sequence[Setting], federation: Federation, device: str = "cpu"
) -> Iterator[Note | Point]:
    """Yields one point for each setting, in order, and notes meanwhile; `()` is no defence.

    Each setting takes the place of the experiment's defences, in the training and in the attack alike; pictures, their
    order and first weights are the same for all. Raises `Refused` as `ready` does, and where the experiment's client
    has nothing to leak.
    """
    ready(experiment, federation)
    yield from preparing(replace(experiment, defences=settings[0]), device)
    pictures = yield from read_labelled(federation.data, shape(experiment))
    for setting in settings:
        defended = replace(experiment, defences=setting)
        torch.set_num_threads(ALL_THREADS)
        right = yield from measure_accuracy(defended, pictures, federation, device)
        scores = yield from leakage(defended, device)
        yield Point(setting, right, scores)


def ready(experiment: Experiment, federation: Federation) -> None:
    """Raises `Refused` when the data set is missing or has more classes than the model."""
    source(federation.data, experiment.classes)


def measure_accuracy(
    experiment: Experiment, pictures: Labelled, federation: Federation, device: str = "cpu"
) -> Generator[Note, None, float]:
    """Trains from the experiment's first weights. Returns the share of held-out pictures recognised."""
    model = network(experiment).train(experiment.client.train).to(device)
    order = torch.Generator().manual_seed(seed_for(experiment, Role.CLIENT))
    draws = torch.Generator().manual_seed(seed_for(experiment, Role.DEFENCES))
    noise = torch.Generator(device).manual_seed(seed_for(experiment, Role.ATTACKER))
    shares = torch.randperm(len(pictures.labels), generator=order).chunk(federation.clients)
    optimiser = torch.optim.Adam(model.parameters(), federation.lr)
    for number in range(federation.rounds):
        yield Note(f"Training: round {number + 1} of {federation.rounds}.")
        rows = [share[torch.randint(len(share), (federation.batch,), generator=order)] for share in shares]
        updates = [one_client(experiment, model, pictures, chosen, draws, noise) for chosen in rows]
        for name, parameter in model.named_parameters():
            parameter.grad = torch.stack([update[name] for update in updates]).mean(0)
        optimiser.step()
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
    latents = training.latents(model, x, experiment.client, draws)
    return released_update(model, parameters(model), x, y, latents, experiment.client, experiment.defences, noise)


def leakage(experiment: Experiment, device: str) -> Generator[Note, None, dict[str, float]]:
    """Returns the scores of the attacker's pick at the end of the experiment's attack."""
    scores: dict[str, float] = {}
    steps = 0
    for event in run(experiment, device=device, due=lambda iteration: False):
        if isinstance(event, Note):
            yield event
        elif isinstance(event, Started):
            steps = event.steps
        elif isinstance(event, Progress):
            yield Note(f"Attacking: iteration {event.iteration} of {steps}.")
        elif isinstance(event, Frame):
            scores = event.metrics
    return scores
