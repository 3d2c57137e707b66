"""One reproducible run: the only place where data, model, client, defences, attack and metrics meet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from gradleak_core.attacks import ATTACK_KINDS, ATTACKS, PARTS
from gradleak_core.client import draw_latents, observe
from gradleak_core.config.admission import admit, check_label
from gradleak_core.config.codec import Codec
from gradleak_core.data import samples
from gradleak_core.data.images import load_image
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.evidence import examine
from gradleak_core.forecast import Forecast
from gradleak_core.models import INITS, MODELS, Model, build
from gradleak_core.models.lenet import LeNet
from gradleak_core.onlooker import Prepared, choose_tiles, show_frames
from gradleak_core.onlooker import floor as floor
from gradleak_core.seeds import Role, seed_for
from gradleak_core.speed.threads import choose_threads
from gradleak_core.takeover import await_first_iteration, explain_takeover, use_deterministic_kernels
from gradleak_core.threat import ThreatModel
from gradleak_core.training import WEIGHTS, Untrained, Weights
from gradleak_core.types import (
    Attack,
    ClientStep,
    Event,
    Finished,
    FirstGuess,
    Frame,
    Knob,
    Latents,
    Note,
    Progress,
    Refused,
    Saved,
    Secret,
    Started,
    Status,
)
from gradleak_core.verdicts import NO_FIRST, nearness, recognisable, verdict

CODEC = Codec(
    {"attacks": ATTACK_KINDS, "models": MODELS, "inits": INITS, "weights": WEIGHTS, "defences": DEFENCES, **PARTS},
    {"attacks": ATTACKS},
)
MOST_IMAGES = 16


@dataclass(frozen=True)
class Experiment:
    """A run's whole set-up, enough to repeat it. `labels` of None takes each image's own label; an upload's is 0."""

    images: Annotated[tuple[str, ...], Knob("Pictures", "The private pictures of one batch.", 1, MOST_IMAGES)] = (
        f"sample:{next(iter(samples.SAMPLES))}",
    )
    labels: tuple[int, ...] | None = None
    size: Annotated[int, Knob("Size", "Pixels a side; larger pictures take longer.", 8, 224)] = 32
    channels: Annotated[Literal[1, 3], Knob("Channels", "3 for colour, 1 for grey.")] = 3
    classes: Annotated[int, Knob("Classes", "How many classes the model distinguishes.", 2, 1000)] = 10
    seed: Annotated[int, Knob("Seed", "Draws the weights, the client's noise and the first guesses.", 0, 2**31 - 1)] = 0
    threads: Annotated[
        int,
        Knob(
            "CPU threads",
            "The last digits of a result depend on this; 0 picks the fastest number here.",
            0,
            128,
        ),
    ] = 0
    model: Annotated[Model, Knob("Model", "The network that the client trains.", family="models")] = LeNet()
    weights: Annotated[
        Weights, Knob("Weights so far", "Whether the model has been trained before the attack.", family="weights")
    ] = Untrained()
    client: ClientStep = ClientStep()
    threat: ThreatModel = ThreatModel()
    defences: Annotated[tuple[Defence, ...], Knob("Defences", "Applied in this order.", family="defences")] = ()
    attack: Annotated[Attack, Knob("Attack", "How the attacker inverts the update.", family="attacks")] = ATTACKS[
        "idlg"
    ]
    fork: Annotated[str, Knob("Fork", "The guess to go on from, as run@iteration; empty for a new one.")] = ""


RULES: dict[str, Any] = {
    "families": CODEC.rows,
    "experiment": CODEC.row(Experiment()),
    "client": CODEC.row(ClientStep()),
    "threat": CODEC.row(ThreatModel()),
}
"""The part of the catalogue that `admit` reads; it decides whether an experiment can be run."""


def load(json: Any) -> Experiment:
    """Builds an experiment from its JSON. Raises `Refused` with one sentence when it cannot be run."""
    experiment: Experiment = CODEC.build(Experiment, admit(json, RULES))
    return experiment


def prepare_both(experiment: Experiment, device: str = "cpu") -> Prepared:
    """Returns what `preparing` returns, and drops its notes."""
    notes = preparing(experiment, device)
    while True:
        try:
            next(notes)
        except StopIteration as end:
            prepared: Prepared = end.value
            return prepared


def preparing(experiment: Experiment, device: str) -> Generator[Note, None, Prepared]:
    """Loads the images, makes the model and lets the client compute its update. Yields notes meanwhile."""
    pictures, labels = load_batch(experiment)
    model = network(experiment)
    seed = seed_for(experiment, Role.WEIGHTS)
    yield from experiment.weights.apply(
        model, training_key(experiment), shape(experiment), experiment.classes, seed=seed, device=device
    )
    model = model.train(experiment.client.train).to(device)
    pictures, labels = pictures.to(device), labels.to(device)
    generator = torch.Generator().manual_seed(seed_for(experiment, Role.CLIENT))
    latents: Latents = draw_latents(model, pictures, experiment.client, generator)
    secret = Secret(pictures, labels, latents)
    observation = observe(
        model,
        secret,
        experiment.client,
        experiment.defences,
        classes=experiment.classes,
        told=experiment.attack.told,
        seed=seed_for(experiment, Role.DEFENCES),
        threat=experiment.threat,
    )
    tiles = choose_tiles(model, secret, observation, experiment.client, experiment.defences)
    if experiment.threat.mode == "eval":
        model = model.eval()
    return Prepared(model, secret, observation, tiles)


def network(experiment: Experiment) -> nn.Module:
    """Returns the model with its defences' layers, untrained, on the CPU in eval mode."""
    model = build(experiment.model, shape(experiment), experiment.classes, seed=seed_for(experiment, Role.WEIGHTS))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(experiment, Role.WEIGHTS))
        for defence in experiment.defences:
            model = defence.harden(model)
    return model


def training_key(experiment: Experiment) -> Any:
    """Returns, as JSON, everything that `network` depends on besides shape, classes and seed."""
    hardening = [d for d in experiment.defences if type(d).harden is not Defence.harden]
    return CODEC.encode((experiment.model, *hardening))


def shape(experiment: Experiment) -> tuple[int, int, int]:
    """Returns the shape (C, H, W) of one image."""
    return experiment.channels, experiment.size, experiment.size


def load_batch(experiment: Experiment) -> tuple[Tensor, Tensor]:
    """Loads the private pictures (B, C, H, W) and labels (B,) to the CPU."""
    loaded = [load_image(reference, experiment.size, experiment.channels) for reference in experiment.images]
    labels = experiment.labels or tuple(own or 0 for _, own in loaded)
    for number, label in enumerate(labels, 1):
        check_label(number, label, experiment.classes)
    return torch.cat([image for image, _ in loaded]), torch.tensor(labels)


def secret(experiment: Experiment) -> Secret:
    """Returns the client's images and labels, which only the onlooker may show."""
    return Secret(*load_batch(experiment), {})


def threads(experiment: Experiment) -> int:
    """Returns the CPU threads of a run, as `choose_threads` does."""
    images, restarts, model = len(experiment.images), experiment.attack.restarts, experiment.model
    return choose_threads(experiment.threads, images, restarts, model.title, model.parallel_from)


def run(
    experiment: Experiment,
    *,
    device: str = "cpu",
    due: Callable[[int], bool] = lambda _: False,
    begin: FirstGuess | Saved | None = None,
) -> Iterator[Event]:
    """Yields notes while the model is trained, then the attack's events.

    A `Frame` of pictures and scores comes after every `Progress` for which `due(iteration)` is true, at the end, and
    where the picture is first recognisable, for which the onlooker looks on its own. Frames never feed back into the
    attack. `begin` is the guess from which a fork goes on, or what a `Checkpoint` has saved of a run that was left.
    Where another device cannot do the first iteration, the CPU takes over, and `Started` says so.
    """
    experiment = replace(experiment, threads=threads(experiment))
    torch.set_num_threads(experiment.threads)
    use_deterministic_kernels()
    if experiment.fork and begin is None:
        raise Refused(NO_FIRST)
    events = play_on(experiment, device, due, begin)
    if device != "cpu":
        try:
            first = yield from await_first_iteration(events)
        except (RuntimeError, TypeError) as error:
            if "out of memory" in str(error):
                raise
            events, first = play_on(experiment, "cpu", due, begin, explain_takeover(device, error)), []
        yield from first
    yield from events


def play_on(
    experiment: Experiment, device: str, due: Callable[[int], bool], begin: FirstGuess | Saved | None, remark: str = ""
) -> Generator[Event, None, None]:
    """Prepares and runs an experiment on one device."""
    both = yield from preparing(experiment, device)
    seed = seed_for(experiment, Role.ATTACKER)
    events = experiment.attack.run(both.model, both.observation, seed=seed, begin=begin)
    for event in show_frames(both, events, due):
        if isinstance(event, Started):
            event = replace(event, device=device, threads=experiment.threads, remark=remark)
            event = replace(event, update=both.tiles.description)
        elif isinstance(event, Finished):
            evidence = examine(both, experiment.attack, experiment.client, experiment.defences, event)
            event = replace(event, evidence=evidence)
        yield event


class Summary:
    """The result of a run, gathered from its events. Its JSON is what the command line prints."""

    def __init__(self, experiment: Experiment, device: str) -> None:
        self.experiment, self.device, self.remark = experiment, device, ""
        self.status: Status = "stopped"
        self.metrics: dict[str, float] = {}
        self.labels: tuple[int, ...] = ()
        self.iterations, self.redrawn, self.seconds = 0, 0, 0.0
        self.recognised: tuple[float, int] | None = None
        self.clearest: dict[str, float] = {}
        self.evidence: dict[str, float] = {}
        self.forecast = Forecast()

    def add(self, event: Event, seconds: float) -> None:
        """Takes in one event and the computing time so far."""
        self.seconds = seconds
        if isinstance(event, Progress):
            self.iterations = event.iteration
        elif isinstance(event, Started):
            self.device, self.remark = event.device, event.remark
            self.experiment = replace(self.experiment, threads=event.threads)
            self.forecast = Forecast(event.steps)
        elif isinstance(event, Frame):
            self.metrics, self.labels, self.redrawn = event.metrics, event.labels, event.redrawn
            self.forecast.add(event.iteration, seconds, nearness(event.metrics))
            likeness = event.metrics.get("likeness", -1.0)
            if likeness > self.clearest.get("likeness", -1.0):
                self.clearest = {"likeness": round(likeness, 4), "iteration": event.iteration}
            if event.recognised and self.recognised is None:
                self.recognised = seconds, event.iteration
        elif isinstance(event, Finished):
            self.status, self.evidence = event.status, dict(event.evidence)

    def save(self) -> Saved:
        """Returns what was gathered so far, for `resume`."""
        kept = {name: value for name, value in vars(self).items() if name not in ("experiment", "forecast")}
        return kept | {"forecast": self.forecast.save()}

    def resume(self, saved: Saved) -> None:
        """Goes on from what was saved of the same run."""
        vars(self).update({name: value for name, value in saved.items() if name != "forecast"})
        self.forecast.resume(saved["forecast"])

    def json(self) -> dict[str, Any]:
        """Returns the result. Its experiment names the CPU threads used, so that a repetition gives the same bits.

        The end of a run counts as a look too, so that a picture that is recognisable there was so at some time.
        """
        at_end = (self.seconds, self.iterations) if recognisable(self.metrics) else (None, None)
        seconds, iterations = self.recognised or at_end
        result = {
            "experiment": CODEC.encode(self.experiment), "status": self.status, "metrics": self.metrics,
            "labels": list(self.labels), "iterations": self.iterations, "redrawn": self.redrawn,
            "seconds": round(self.seconds, 4),
            "iterations_per_second": round(self.iterations / self.seconds, 3) if self.seconds else None,
            "seconds_to_recognisable": None if seconds is None else round(seconds, 4),
            "iterations_to_recognisable": iterations, "clearest": self.clearest,
            "forecast": self.forecast.seconds and round(self.forecast.seconds, 3),
            "forecast_made": self.forecast.made and round(self.forecast.made, 3),
            "device": self.device, "remark": self.remark, "seed": self.experiment.seed,
            "evidence": {name: float(f"{value:.8g}") for name, value in self.evidence.items()},
        }  # fmt: skip
        return result | {"verdict": verdict(result)}
