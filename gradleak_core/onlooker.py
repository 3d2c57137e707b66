"""The onlooker's view of a run: the secret beside the attacker's pick, paired and scored. No attack sees any of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core import speed
from gradleak_core.client import local_update, parameters
from gradleak_core.data.images import load_another
from gradleak_core.defences import Defence
from gradleak_core.metrics.likeness import likeness
from gradleak_core.metrics.score import pair, score, visible
from gradleak_core.tiles import Tiles
from gradleak_core.types import (
    MOST_STEPS,
    Candidate,
    ClientStep,
    Event,
    Finished,
    Frame,
    Latents,
    Observation,
    Plateau,
    Progress,
    Secret,
    Update,
)
from gradleak_core.verdicts import recognisable

APART = 16
"""The iterations done for each one between two looks."""
NEVER = MOST_STEPS + 1


@dataclass(frozen=True)
class Prepared:
    """Both sides of one experiment, on a device: the client's secret and the attacker's observation."""

    model: nn.Module
    secret: Secret
    observation: Observation
    tiles: Tiles

    @cached_property
    def recorded(self) -> dict[tuple[str, ...], speed.Step]:
        """The recorded computations of `update`, one for each choice of draws."""
        return {}

    def update(self, x: Tensor, y: Tensor, latents: Latents) -> Update:
        """Returns the update of a guess, as `client.local_update` computes it, and quicker after the first frames."""
        names, step = tuple(latents), self.observation.step

        def compute(x: Tensor, y: Tensor, *draws: Tensor) -> tuple[Tensor, ...]:
            return tuple(local_update(self.model, x, y, dict(zip(names, draws, strict=True)), step).values())

        quick = self.recorded.setdefault(names, speed.faster(compute, fixed=True))
        return dict(zip(parameters(self.model), quick(x, y, *latents.values()), strict=True))


def make_frame(both: Prepared, iteration: int, pick: Candidate, distance: float, redrawn: int) -> Frame:
    """Returns the attacker's pick, paired with the truth and scored as it is shown."""
    secret, observation = both.secret, both.observation
    images, labels = pick.images[0].detach(), pick.labels[0].argmax(-1).cpu()
    order = pair(images, secret.images)
    shown = visible(images)[order]
    metrics = score(shown, secret.images, labels, secret.labels, distance)
    latents = {k: v[0] for k, v in pick.latents.items()}
    update = both.update(images, pick.labels[0].detach(), latents)
    layers = {k: float(cosine_distance(update[k], seen)) for k, seen in observation.update.items()}
    tiles = both.tiles.encode(update)
    return Frame(
        iteration, shown, tuple(labels[order].tolist()), metrics, layers, redrawn, tiles, tuple(order.tolist())
    )


def plan_look(former: int) -> int:
    """Returns the iteration of the look after a former one; 0 stands for the start.

    Every one of the first 32 is looked at, until the picture is recognisable, and then one in every sixteenth of the
    way so far. So when a run was recognisable depends on no clock.
    """
    return former + max(1, former // APART)


def look(both: Prepared, pick: Candidate) -> dict[str, float]:
    """Returns the likeness of the attacker's pick alone, which costs much less than a frame."""
    images, truth = pick.images[0].detach(), both.secret.images
    shown = visible(images)[pair(images, truth)]
    return {"likeness": float(likeness(shown, truth.cpu().float()).mean())}


def show_frames(both: Prepared, events: Iterator[Event], due: Callable[[int], bool]) -> Iterator[Event]:
    """Yields an attack's events, with a frame after every iteration that is due, before a plateau, and at the end.

    The first look that finds the picture recognisable has a frame as well, which says so.
    """
    shown, last, next_look = 0, None, plan_look(0)
    for event in events:
        if isinstance(event, Finished) and shown != event.iteration:
            yield make_frame(both, event.iteration, event.pick, event.distance, event.redrawn)
        if isinstance(event, Plateau) and last is not None and shown != last.iteration:
            shown = last.iteration
            yield show_progress(both, last)
        yield event
        last = event if isinstance(event, Progress) else last
        if isinstance(event, Progress):
            frame = show_progress(both, event) if due(event.iteration) else None
            while next_look < event.iteration:  # of a run that was left, the looks before are done
                next_look = plan_look(next_look)
            if event.iteration == next_look:
                next_look = plan_look(next_look)
                if recognisable(frame.metrics if frame else look(both, event.pick())):
                    frame, next_look = replace(frame or show_progress(both, event), recognised=True), NEVER
            if frame:
                shown = event.iteration
                yield frame


def show_progress(both: Prepared, event: Progress) -> Frame:
    """Returns the frame of an iteration that has just been done."""
    return make_frame(both, event.iteration, event.pick(), float(event.best.min()), int(event.redrawn))


def choose_tiles(
    model: nn.Module, secret: Secret, observation: Observation, step: ClientStep, defences: Sequence[Defence]
) -> Tiles:
    """Returns the tiles of a client's update, which is computed once more, without its defences, if there are any."""
    sent = observation.update
    if defences or set(sent) != {name for name, _ in model.named_parameters()}:
        labels = F.one_hot(secret.labels, observation.classes).to(secret.images)
        whole = local_update(model, secret.images, labels, secret.latents, step)
        share = observation.step.steps(observation.batch) / step.steps(observation.batch)
        sent = {name: share * g for name, g in whole.items()}
    return Tiles(sent, observation, secret.labels.tolist(), defences)


def cosine_distance(guess: Tensor, seen: Tensor) -> Tensor:
    """Returns one minus the cosine of two tensors; 1 when either is zero."""
    return 1 - torch.cosine_similarity(guess.flatten(), seen.flatten(), 0, eps=1e-30)


class Asked(Protocol):
    """The part of an experiment that its floor depends on."""

    @property
    def images(self) -> tuple[str, ...]: ...
    @property
    def classes(self) -> int: ...


def floor(experiment: Asked, secret: Secret) -> dict[str, Any]:
    """Returns what guesses that know nothing of the update score against the private pictures, as JSON.

    `grey` is a medium grey, `mean` the mean colour of each picture, and `other` another picture for each, of its class
    where there is one; all have PSNR, SSIM and likeness. `chance` is the share of the labels that chance finds.
    """
    truth = secret.images.cpu()
    guesses = {
        "grey": torch.full_like(truth, 0.5),
        "mean": truth.mean((2, 3), keepdim=True).expand_as(truth),
        "other": load_others(experiment.images, truth.size(-1), truth.size(1)),
    }
    scores = {k: score(v[pair(v, truth)], truth, secret.labels, secret.labels, 0.0) for k, v in guesses.items()}
    kept = {k: {name: round(row[name], 4) for name in ("psnr", "ssim", "likeness")} for k, row in scores.items()}
    return kept | {"chance": round(chance(secret.labels.tolist(), experiment.classes), 4)}


def load_others(references: Sequence[str], size: int, channels: int) -> Tensor:
    """Returns another picture for each reference, all different, as (B, C, size, size) in [0, 1]."""
    images, taken = [], list(references)
    for reference in references:
        image, other = load_another(reference, taken, size, channels)
        images.append(image)
        taken.append(other)
    return torch.cat(images)


def chance(labels: Sequence[int], classes: int) -> float:
    """Returns the share of B labels, in any order, that B draws among all classes find on average."""
    batch, p = len(labels), 1 / classes
    drawn = [math.comb(batch, k) * p**k * (1 - p) ** (batch - k) for k in range(batch + 1)]  # a class k times
    found = sum(min(k, count) * share for count in Counter(labels).values() for k, share in enumerate(drawn))
    return found / batch
