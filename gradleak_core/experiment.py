"""One reproducible run: the only place where data, model, client, defences, attack and metrics meet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from gradleak_core.attacks import ATTACK_KINDS, ATTACKS, PARTS
from gradleak_core.client import draw_latents, local_update, observe
from gradleak_core.config.admission import admit, check_label
from gradleak_core.config.codec import Codec
from gradleak_core.data import samples
from gradleak_core.data.images import load_image as load_image
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.metrics import score
from gradleak_core.metrics.pairing import pair, visible
from gradleak_core.models import INITS, MODELS, Model, build
from gradleak_core.models.lenet import LeNet
from gradleak_core.speed.threads import ALL_THREADS, find_choice
from gradleak_core.threat import ThreatModel
from gradleak_core.training import WEIGHTS, Untrained, Weights
from gradleak_core.types import (
    Attack,
    Candidate,
    ClientStep,
    Event,
    Finished,
    Frame,
    Knob,
    Latents,
    Note,
    Observation,
    Progress,
    Secret,
    Started,
    Status,
)
from gradleak_core.verdicts import recognisable, verdict

CODEC = Codec(
    {"attacks": ATTACK_KINDS, "models": MODELS, "inits": INITS, "weights": WEIGHTS, "defences": DEFENCES, **PARTS},
    {"attacks": ATTACKS},
)
MOST_SHARES = 8
"""Threads that may share the restarts of a run; each has a copy of the network."""
MOST_IMAGES = 16
MOST_THREADS = 128


@dataclass(frozen=True)
class Experiment:
    """All that is needed to run it again. `labels` of None takes each image's own; an upload's is 0."""

    images: Annotated[tuple[str, ...], Knob("Pictures", "The private pictures, of one batch.", 1, MOST_IMAGES)] = (
        f"sample:{next(iter(samples.SAMPLES))}",
    )
    labels: tuple[int, ...] | None = None
    size: Annotated[int, Knob("Size", "Pixels a side; larger pictures take longer.", 8, 224)] = 32
    channels: Annotated[Literal[1, 3], Knob("Channels", "3 for colour, 1 for grey.")] = 3
    classes: Annotated[int, Knob("Classes", "How many classes the model tells apart.", 2, 1000)] = 10
    seed: Annotated[int, Knob("Seed", "Draws the weights, the client's noise and the first guesses.", 0, 2**31 - 1)] = 0
    threads: Annotated[
        int, Knob("CPU threads", "The last digits depend on them; 0 takes what is quickest here.", 0, MOST_THREADS)
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


RULES: dict[str, Any] = {
    "families": CODEC.rows,
    "experiment": CODEC.row(Experiment()),
    "client": CODEC.row(ClientStep()),
    "threat": CODEC.row(ThreatModel()),
}
"""What decides whether an experiment can be run: the part of the catalogue that `admit` reads."""


@dataclass(frozen=True)
class Prepared:
    """Both sides of one experiment, on a device."""

    model: nn.Module
    secret: Secret
    observation: Observation


def load(json: Any) -> Experiment:
    """An experiment from its JSON. Raises `Refused` with one sentence when it cannot be run."""
    experiment: Experiment = CODEC.build(Experiment, admit(json, RULES))
    return experiment


def prepare_both(experiment: Experiment, device: str = "cpu") -> Prepared:
    """`preparing` without its notes."""
    notes = preparing(experiment, device)
    while True:
        try:
            next(notes)
        except StopIteration as end:
            prepared: Prepared = end.value
            return prepared


def preparing(experiment: Experiment, device: str) -> Generator[Note, None, Prepared]:
    """Loads the images, makes the model and lets the client compute its update."""
    pictures, labels = private(experiment)
    model = network(experiment)
    seed = draw(experiment, 0)
    yield from experiment.weights.apply(
        model, training_key(experiment), shape(experiment), experiment.classes, seed=seed, device=device
    )
    model = model.train(experiment.client.train).to(device)
    pictures, labels = pictures.to(device), labels.to(device)
    generator = torch.Generator().manual_seed(draw(experiment, 1))
    latents: Latents = draw_latents(model, pictures, experiment.client, generator)
    secret = Secret(pictures, labels, latents)
    observation = observe(
        model,
        secret,
        experiment.client,
        experiment.defences,
        classes=experiment.classes,
        told=experiment.attack.told,
        seed=draw(experiment, 2),
        threat=experiment.threat,
    )
    if experiment.threat.mode == "eval":
        model = model.eval()
    return Prepared(model, secret, observation)


def network(experiment: Experiment) -> nn.Module:
    """The model with its defences' layers, untrained, on the CPU in eval mode."""
    model = build(experiment.model, shape(experiment), experiment.classes, seed=draw(experiment, 0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw(experiment, 0))
        for defence in experiment.defences:
            model = defence.harden(model)
    return model


def training_key(experiment: Experiment) -> Any:
    """What `network` depends on besides shape, classes and seed, as JSON."""
    hardening = [d for d in experiment.defences if type(d).harden is not Defence.harden]
    return CODEC.encode((experiment.model, *hardening))


def shape(experiment: Experiment) -> tuple[int, int, int]:
    """(C, H, W) of one image."""
    return experiment.channels, experiment.size, experiment.size


def private(experiment: Experiment) -> tuple[Tensor, Tensor]:
    """The private images (B, C, H, W) and labels (B,), on the CPU."""
    loaded = [load_image(reference, experiment.size, experiment.channels) for reference in experiment.images]
    labels = experiment.labels or tuple(own or 0 for _, own in loaded)
    for number, label in enumerate(labels, 1):
        check_label(number, label, experiment.classes)
    return torch.cat([image for image, _ in loaded]), torch.tensor(labels)


def secret(experiment: Experiment) -> Secret:
    """What the onlooker may show of the client: its images and labels."""
    return Secret(*private(experiment), {})


def draw(experiment: Experiment, role: int) -> int:
    """A seed of its own for each role: 0 weights, 1 the client's draws, 2 its noise, 3 the attacker."""
    return experiment.seed * 4 + role


def threads(experiment: Experiment) -> int:
    """CPU threads of a run: those that it names, else what is quickest here.

    Several restarts are shared out; one has the threads measured here, else all for many images.
    """
    images, restarts = len(experiment.images), experiment.attack.restarts
    if restarts > 1:
        return min(experiment.threads or ALL_THREADS, MOST_SHARES, restarts)
    rule = ALL_THREADS if images >= experiment.model.parallel_from else 1
    return experiment.threads or find_choice(experiment.model.title, images) or rule


def exactly() -> None:
    """CUDA convolutions in full single precision, the same bits every time."""
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = False, True


def run(
    experiment: Experiment, *, device: str = "cpu", due: Callable[[int], bool] = lambda _: False
) -> Iterator[Event]:
    """Notes while the model is trained, then the attack's events.

    A `Frame` of pictures and scores comes after every `Progress` for which `due(iteration)` is true, and at the end.
    Frames never feed back into the attack: which iterations are due changes nothing else.
    Where another device cannot do the first iteration, the CPU takes over, and `Started` says so.
    """
    experiment = replace(experiment, threads=threads(experiment))
    torch.set_num_threads(experiment.threads)
    exactly()
    events = play_on(experiment, device, due)
    if device != "cpu":
        try:
            first = yield from opening(events)
        except (RuntimeError, TypeError) as error:
            if "out of memory" in str(error):
                raise
            events, first = play_on(experiment, "cpu", due, taken_over(device, error)), []
        yield from first
    yield from events


def opening(events: Iterator[Event]) -> Generator[Note, None, list[Event]]:
    """Passes on the notes, and returns what comes until the first iteration is done."""
    held: list[Event] = []
    for event in events:
        if isinstance(event, Note):
            yield event
            continue
        held.append(event)
        if isinstance(event, Progress):
            break
    return held


def taken_over(device: str, error: Exception) -> str:
    reason = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return f"The CPU took over, because this cannot be computed on {device} ({reason})."


def play_on(
    experiment: Experiment, device: str, due: Callable[[int], bool], remark: str = ""
) -> Generator[Event, None, None]:
    """`run` on one device."""
    both = yield from preparing(experiment, device)
    shown = 0
    for event in experiment.attack.run(both.model, both.observation, seed=draw(experiment, 3)):
        if isinstance(event, Started):
            event = replace(event, device=device, threads=experiment.threads, remark=remark)
        if isinstance(event, Finished) and shown != event.iteration:
            yield make_frame(both, event.iteration, event.pick, event.distance, event.redrawn)
        yield event
        if isinstance(event, Progress) and due(event.iteration):
            shown = event.iteration
            yield make_frame(both, shown, event.pick(), float(event.best.min()), int(event.redrawn))


def make_frame(both: Prepared, iteration: int, pick: Candidate, distance: float, redrawn: int) -> Frame:
    """Returns the attacker's pick, paired with the truth and scored as it is shown."""
    secret, observation = both.secret, both.observation
    images, labels = pick.images[0].detach(), pick.labels[0].argmax(-1).cpu()
    order = pair(images, secret.images)
    shown = visible(images)[order]
    metrics = score(shown, secret.images, labels, secret.labels, distance)
    latents = {k: v[0] for k, v in pick.latents.items()}
    update = local_update(both.model, images, pick.labels[0].detach(), latents, observation.step)
    layers = {k: float(apart(update[k], seen)) for k, seen in observation.update.items()}
    return Frame(iteration, shown, tuple(labels[order].tolist()), metrics, layers, redrawn)


def apart(guess: Tensor, seen: Tensor) -> Tensor:
    """One minus the cosine of two tensors; 1 when either is zero."""
    return 1 - torch.cosine_similarity(guess.flatten(), seen.flatten(), 0, eps=1e-30)


class Summary:
    """The result of a run, gathered from its events; the JSON that the command line prints."""

    def __init__(self, experiment: Experiment, device: str) -> None:
        self.experiment, self.device, self.remark = experiment, device, ""
        self.status: Status = "stopped"
        self.metrics: dict[str, float] = {}
        self.labels: tuple[int, ...] = ()
        self.iterations, self.redrawn, self.seconds = 0, 0, 0.0
        self.recognised: tuple[float, int] | None = None

    def add(self, event: Event, seconds: float) -> None:
        """One event, and the computing time so far."""
        self.seconds = seconds
        if isinstance(event, Progress):
            self.iterations = event.iteration
        elif isinstance(event, Started):
            self.device, self.remark = event.device, event.remark
            self.experiment = replace(self.experiment, threads=event.threads)
        elif isinstance(event, Frame):
            self.metrics, self.labels, self.redrawn = event.metrics, event.labels, event.redrawn
            if self.recognised is None and recognisable(event.metrics["ssim"]):
                self.recognised = seconds, event.iteration
        elif isinstance(event, Finished):
            self.status = event.status

    def json(self) -> dict[str, Any]:
        """The result. Its experiment names the CPU threads that were used, so that it gives the same bits again."""
        seconds, iterations = self.recognised or (None, None)
        result = {
            "experiment": CODEC.encode(self.experiment),
            "status": self.status,
            "metrics": self.metrics,
            "labels": list(self.labels),
            "iterations": self.iterations,
            "redrawn": self.redrawn,
            "seconds": round(self.seconds, 4),
            "iterations_per_second": round(self.iterations / self.seconds, 3) if self.seconds else None,
            "seconds_to_recognisable": None if seconds is None else round(seconds, 4),
            "iterations_to_recognisable": iterations,
            "device": self.device,
            "remark": self.remark,
            "seed": self.experiment.seed,
        }
        return result | {"verdict": verdict(result)}
