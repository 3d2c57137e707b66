"""PPP needs less perturbation than noise on everything, for the same protection against the bypass."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_ssim
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all, spread_of
from benchmarks.setting import SEED, Setting
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.defences import Defence
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.partial_perturbation import PartialPerturbation
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import CODEC, Experiment, prepare_both, shape
from gradleak_core.federation import Federation, train_to_plateau
from gradleak_core.models.mlp import MLP
from gradleak_core.presets import find_recipe
from gradleak_core.spread import play_tasks
from gradleak_core.spread.journal import Journal, key_of
from gradleak_core.types import Note

JSON = Any
GRID = (0.02, 0.03, 0.05, 0.07, 0.1, 0.2)
HELD, COST = 0.3, 0.02
"""The SSIM under which the image counts as kept, and the share of accuracy that counts as no cost."""
BASE = Experiment(model=MLP(), attack=replace(find_recipe("precode_bypass"), steps=200))
PPP, NOISE, BARE, PRECODE = "PPP", "noise on everything", "undefended", "PRECODE alone"
FEDERATION = Federation(rounds=500)


class Held(NamedTuple):
    """The least perturbation under which the image is kept, and the mean accuracy there."""

    perturbation: float
    accuracy: float


@dataclass(frozen=True)
class Training:
    """The federated training of one setting, as a task."""

    experiment: Experiment
    federation: Federation
    device: str

    @property
    def key(self) -> str:
        """What tells two trainings apart wherever they are done, in sixteen hexadecimal digits."""
        return key_of([CODEC.encode(self.experiment), CODEC.encode(self.federation)])

    @property
    def images(self) -> tuple[str, ...]:
        return ()

    def __call__(self) -> JSON:
        """Trains once for each seed, and returns the accuracies at the plateau, the learning rate and the rounds."""
        courses = train_to_plateau(self.experiment, read(self.experiment), self.federation, self.device)
        accuracies = [round(course.accuracy, 4) for course in courses]
        return {"accuracies": accuracies, "lr": courses[0].lr, "rounds": [course.rounds for course in courses]}


def measure(setting: Setting) -> Outcome:
    heads = list(settings(setting))
    values = play_all(runs(heads, setting), setting, 15 if setting.quick else math.inf)
    learnt = trained(heads, setting)
    values = [row | learnt[row["defence"], row["std"]] for row in values]
    said = "; ".join(line(values, name, std) for name, std in heads)
    bare = statistics.mean(chosen(values, BARE, 0.0)[0]["accuracies"])
    return Outcome(said, verdict(first(values, PPP), first(values, NOISE), bare), values, "victims/cifar10 and digits")


def settings(setting: Setting) -> Iterator[tuple[str, float]]:
    """Yields the name and the deviation of every row; the first two have no noise."""
    yield from ((BARE, 0.0), (PRECODE, 0.0))
    yield from ((name, std) for name in (PPP, NOISE) for std in GRID[:: setting.count(1, 3)])


def defended_by(name: str, std: float) -> tuple[Defence, ...]:
    """Returns the defences of a row."""
    parts = {BARE: (), PRECODE: (Precode(),), PPP: (PartialPerturbation(std=std),), NOISE: (GaussianNoise(std=std),)}
    return parts[name]


def runs(heads: list[tuple[str, float]], setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields the attack on every victim under every setting."""
    for name, std in heads:
        base = replace(BASE, defences=defended_by(name, std))
        head = {"defence": name, "std": std, "perturbation": std * share(base, name)}
        for experiment in pictures.each(setting, base, "cifar10", setting.count(10, 1)):
            yield head, experiment


def trained(heads: list[tuple[str, float]], setting: Setting) -> dict[tuple[str, float], JSON]:
    """Trains the same network on the digits under every setting."""
    federation = replace(FEDERATION, rounds=setting.count(500, 20), seeds=setting.count(3, 1))
    base = replace(BASE, seed=SEED)
    tasks = {head: Training(replace(base, defences=defended_by(*head)), federation, setting.device) for head in heads}
    rows = {}
    for task, row in play_tasks(list(tasks.values()), Journal(setting.journal), spread_of(setting)):
        if isinstance(row, Exception):
            raise row
        rows[task.key] = row
    return {head: rows[task.key] for head, task in tasks.items()}


def read(experiment: Experiment) -> Labelled:
    """Returns the digits as the network of an experiment sees them."""
    notes = read_labelled(FEDERATION.data, shape(experiment))
    while True:
        try:
            assert isinstance(next(notes), Note)
        except StopIteration as end:
            found: Labelled = end.value
            return found


def share(base: Experiment, name: str) -> float:
    """The share of all parameters whose update is perturbed."""
    sizes = {k: g.numel() for k, g in prepare_both(base).observation.update.items()}
    before = [k for k in sizes if k.startswith("linear")] if name == PPP else list(sizes)
    return sum(sizes[k] for k in before) / sum(sizes.values())


def chosen(values: list[JSON], name: str, std: float) -> list[JSON]:
    return [row for row in values if (row["defence"], row["std"]) == (name, std)]


def line(values: list[JSON], name: str, std: float) -> str:
    """One setting in words."""
    rows = chosen(values, name, std)
    each = rows[0]["accuracies"]
    head = f"{name} {std:g}" if std else name
    perturbed = f", perturbation {rows[0]['perturbation']:.1e}" if std else ""
    accuracy = f"{statistics.mean(each):.1%} ({min(each):.1%} to {max(each):.1%})"
    return f"{head}: SSIM {spread([row['ssim'] for row in rows], '.2f')}{perturbed}, accuracy {accuracy}"


def first(values: list[JSON], name: str) -> Held | None:
    """The least perturbation under which the median picture is kept; None when there is none."""
    kept = []
    for std in dict.fromkeys(row["std"] for row in values if row["defence"] == name):
        rows = chosen(values, name, std)
        if statistics.median(row["ssim"] for row in rows) < HELD:
            kept.append(Held(rows[0]["perturbation"], statistics.mean(rows[0]["accuracies"])))
    return min(kept, default=None)


def verdict(partial: Held | None, everything: Held | None, bare: float) -> Verdict:
    """From the least perturbation (share of parameters x deviation) that keeps the median SSIM under 0.3, with the
    accuracy there, None when none did, and the undefended accuracy. Whole: PPP needs less, and its accuracy is at most
    two points below the undefended one. Part: one of the two."""
    less = partial is not None and (everything is None or partial.perturbation < everything.perturbation)
    free = partial is not None and partial.accuracy >= bare - COST
    return judged(less and free, less or free)


CLAIM = Claim(
    title="Partial perturbation",
    paper=papers.PPP,
    sentence="PRECODE with noise on the layers before it alone protects against the bypass with less perturbation than "
    "noise on every layer, and does not cost accuracy.",
    setup="Untrained MLP under the bypass for 200 iterations, ten victims; noise of deviation 0.02 to 0.2 on all "
    "layers, or, with PRECODE, on those before it; beside them the MLP undefended and with PRECODE alone. Perturbation "
    "is the share of perturbed parameters times the deviation. Accuracy is that of the same MLP after federated "
    "training on digits until it levels off, at a learning rate chosen for each setting: the mean and range of three "
    "seeds.",
    theirs="in words only",
    refuted_by="PPP needing as much or more perturbation for a median SSIM under 0.3, at an accuracy more than two "
    "points below the undefended one.",
    live=replace(BASE, defences=(PartialPerturbation(std=1e-2),)),
    account="Its noise is on the MLP's first layer, where linear inversion reads too; see linear_first_layer.",
    halves=("defence=precode&defence=gaussian_noise:std=0.01",),
    figure=draw_ssim(("defence", "std"), {NOISE: "all layers", PPP: "partial", 0.0: ""}),
    measure=measure,
)
