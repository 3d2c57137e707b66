"""Federated training under a defence: once for each seed, each time until the accuracy has levelled off."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Annotated, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core import training
from gradleak_core.client import defended, draw_latents, local_updates, parameters
from gradleak_core.config.demand import RATES, TRIAL
from gradleak_core.data.labelled import Labelled
from gradleak_core.experiment import Experiment, network, shape
from gradleak_core.models.statistics import entering, stored_statistics
from gradleak_core.seeds import Role, seed_for
from gradleak_core.types import Knob, Note, Refused, Update


@dataclass(frozen=True)
class Federation:
    """The federated training that shows what a defence costs.

    In each round every client takes a mini-batch of its own share of the pictures and sends its update, made and
    defended as in the experiment; the server takes their mean as a gradient for a step of Adam (Reddi et al. 2021).
    So a defence that only rescales the update, such as clipping or signs, is not judged by a step size made for others.
    Training ends when the accuracy has levelled off, and begins anew with every seed.
    """

    data: Annotated[str, Knob("Data set", "digits, a torchvision set, or folder:NAME for a folder.")] = "digits"
    rounds: Annotated[
        int, Knob("Most rounds", "Steps of the server if the accuracy does not level off before.", 1, 10_000, log=True)
    ] = 1000
    clients: Annotated[int, Knob("Clients", "Updates averaged in a round.", 1, 64)] = 4
    batch: Annotated[int, Knob("Batch", "Pictures that a client takes in a round.", 1, 256)] = 16
    lr: Annotated[
        float,
        Knob("Server's learning rate", "Adam's; a fifth and five times of it are tried too.", 1e-5, 1, log=True),
    ] = 5e-3
    seeds: Annotated[int, Knob("Trainings", "Each with weights, draws and an order of its own.", 1, 10)] = 3


LOOK, FEWEST_LOOKS = 25, 10
"""The most rounds between two looks at the accuracy, and the fewest looks in the most rounds."""
STEADY, RISE = 200, 0.005
"""The rounds over which the best accuracy of a training at its plateau has risen by no more than this share."""
ASIDE, MOST_WATCHED = 0.2, 1000
"""The share of the pictures to learn from that is set aside to be watched, and the most of them."""
ERRORS = 4
"""The standard errors above chance from which a model is clearly better than it."""


@dataclass(frozen=True)
class Learning:
    """One training of one seed, and how far it has come."""

    lr: float
    rounds: int = 0
    watched: float = 0.0
    """The largest share of the watched pictures that was recognised at a look."""
    accuracy: float = 0.0
    """The share of the held-out pictures that was recognised at that look."""
    looked: bool = False
    """True where this round ended with a look."""


@dataclass(frozen=True)
class Standing:
    """The trainings of all seeds, and how far they have come.

    The courses are of those that are finished. Before the first is, the only one is of the training that goes on, or of
    the best trial so far.
    """

    courses: tuple[Learning, ...] = ()
    finished: int = 0


def accuracies(
    experiment: Experiment, pictures: Labelled, federation: Federation, device: str = "cpu"
) -> tuple[float, ...]:
    """Returns the accuracy on the held-out pictures at the plateau, one for each seed."""
    return tuple(course.accuracy for course in train_to_plateau(experiment, pictures, federation, device))


def train_to_plateau(
    experiment: Experiment, pictures: Labelled, federation: Federation, device: str = "cpu"
) -> tuple[Learning, ...]:
    """Returns how each training ended, as `training_events` does, and drops its notes."""
    events = training_events(experiment, pictures, federation, device)
    while True:
        try:
            next(events)
        except StopIteration as end:
            courses: tuple[Learning, ...] = end.value
            return courses


def training_events(
    experiment: Experiment, pictures: Labelled, federation: Federation, device: str = "cpu"
) -> Generator[Note | Standing, None, tuple[Learning, ...]]:
    """Trains under an experiment's defences once for each seed: its own, the next one, and so on.

    Yields a note for each round and the standing after looks, and returns how each training ended. The first seed
    tries each learning rate for a while. It goes on with the one that recognises most of the watched pictures, and the
    other seeds take that one. The held-out pictures decide nothing: neither the rate, nor the end, nor which look
    counts.
    """
    split = split_pictures(pictures)
    run, course = yield from choose_rate(experiment, split, federation, device)
    ended: list[Learning] = []
    for number in range(1, federation.seeds + 1):
        if number > 1:
            again = replace(experiment, seed=experiment.seed + number - 1)
            run = federated(again, split, federation, course.lr, device)
        for course in run:
            yield Note(f"Training {number} of {federation.seeds}: {describe(course)}")
            if course.looked and not ended:
                yield Standing((course,))
        ended.append(course)
        yield Standing(tuple(ended), number)
    return tuple(ended)


def choose_rate(
    experiment: Experiment, split: tuple[Labelled, Labelled], federation: Federation, device: str
) -> Generator[Note | Standing, None, tuple[Iterator[Learning], Learning]]:
    """Tries each learning rate for a share of the most rounds.

    Returns the best of these trainings, which can go on, and its course so far. Among equals the first of `RATES` is
    taken.
    """
    best, kept = Learning(federation.lr), cast("Iterator[Learning]", iter(()))
    for lr in (federation.lr * times for times in RATES):
        run = federated(experiment, split, federation, lr, device)
        for course in run:
            yield Note(f"Trying the learning rate {lr:g}: {describe(course)}")
            if course.looked:
                yield Standing((better(best, course),))
            if course.looked and course.rounds >= TRIAL * federation.rounds:
                break
        if better(best, course) is course:
            best, kept = course, run
    return kept, best


def better(one: Learning, other: Learning) -> Learning:
    """Returns the course that recognises more of the watched pictures; of equals the first, unless it has not begun."""
    return other if other.watched > one.watched or not one.rounds else one


def describe(course: Learning) -> str:
    """Says the round of a training, and the share of the held-out pictures that it recognises after the first look."""
    right = f", {course.accuracy:.0%} right" if course.watched else ""
    return f"round {course.rounds}{right}."


def split_pictures(pictures: Labelled) -> tuple[Labelled, Labelled]:
    """Returns the pictures to learn from twice: once with those set aside to be watched, once with the held-out ones.

    Where there are too few to set any aside, those that are learnt from are watched.
    """
    order = torch.randperm(len(pictures.labels), generator=torch.Generator().manual_seed(0))
    count = min(int(ASIDE * len(order)), MOST_WATCHED)
    watched, rest = (order[:count], order[count:]) if count else (order, order)
    held_out = replace(pictures, images=pictures.images[rest], labels=pictures.labels[rest])
    return replace(held_out, test_images=pictures.images[watched], test_labels=pictures.labels[watched]), held_out


def federated(
    experiment: Experiment, split: tuple[Labelled, Labelled], federation: Federation, lr: float, device: str
) -> Iterator[Learning]:
    """Trains from the experiment's first weights until the accuracy is level, and yields how far it is by each round.

    The course keeps the accuracy of the look that recognised most of the watched pictures, as early stopping does.
    """
    watching, held_out = split
    model = learner(experiment, federation).to(device)
    order = torch.Generator().manual_seed(seed_for(experiment, Role.CLIENT))
    draws = torch.Generator().manual_seed(seed_for(experiment, Role.DEFENCES))
    noise = torch.Generator(device).manual_seed(seed_for(experiment, Role.ATTACKER))
    shares = torch.randperm(len(watching.labels), generator=order).chunk(federation.clients)
    optimiser = torch.optim.Adam(model.parameters(), lr)
    course, bests = Learning(lr), dict[int, float]()
    for number in range(1, federation.rounds + 1):
        rows = [share[torch.randint(len(share), (federation.batch,), generator=order)] for share in shares]
        updates = [one_client(experiment, model, watching, chosen, draws, noise) for chosen in rows]
        for name, parameter in model.named_parameters():
            parameter.grad = torch.stack([update[name] for update in updates]).mean(0)
        optimiser.step()
        course = replace(course, rounds=number, looked=is_look(number, federation.rounds))
        if course.looked:
            course = measure_accuracy(course, model, watching, held_out)
            bests[number] = course.watched
        yield course
        if course.looked and is_level(bests, watching.test_labels):
            return


def learner(experiment: Experiment, federation: Federation) -> nn.Module:
    """Returns the network in the mode that it learns in: with batch norm train mode, whatever the attacked client does.

    In eval mode batch norm would divide by statistics that were never measured. Raises `Refused` where a batch norm
    meets a single value in a local step, which train mode cannot normalise.
    """
    model = network(experiment)
    if not stored_statistics(model):
        return model.train(experiment.client.train)
    alone = any(defence.each_example for defence in experiment.defences)
    steps = experiment.client.rows(federation.batch)
    least = 1 if alone else min(len(range(federation.batch)[rows]) for rows in steps)
    with torch.no_grad():
        counts = entering(model, torch.zeros(least, *shape(experiment)), {}, lambda h: h.numel() // h.size(1), None)
    if min(counts.values()) < 2:
        raise Refused(
            "This network shrinks a picture to one value, and its batch norm cannot learn from a single value; take "
            "larger pictures, or at least two in each local step and no defence that works on each alone."
        )
    return model.train()


def is_look(number: int, rounds: int) -> bool:
    """Returns whether the accuracy is looked at after a round: at even steps and after the last one."""
    return number % max(1, min(LOOK, rounds // FEWEST_LOOKS)) == 0 or number == rounds


def measure_accuracy(course: Learning, model: nn.Module, watching: Labelled, held_out: Labelled) -> Learning:
    """Returns the course after a look at a copy of the model; the model itself stays as it is."""
    model = deepcopy(model)
    training.calibrate(model, watching)
    found = training.evaluate_accuracy(model, watching)
    if found < course.watched:
        return course
    return replace(course, watched=found, accuracy=training.evaluate_accuracy(model, held_out))


def is_level(bests: dict[int, float], labels: Tensor) -> bool:
    """Returns whether a training is at its plateau, by the best accuracy so far after each round with a look.

    It is where the best is clearly above chance and has not risen by more than half a point over the last rounds. The
    watched pictures' labels (N,) say what chance is: to name the most frequent class every time.
    """
    last, best = max(bests.items())
    before = [share for number, share in bests.items() if number <= last - STEADY]
    chance = float(labels.bincount().max()) / len(labels)
    clear = min(chance + ERRORS * (chance * (1 - chance) / len(labels)) ** 0.5, (1 + chance) / 2)
    return bool(before) and best >= clear and best - before[-1] <= RISE


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
