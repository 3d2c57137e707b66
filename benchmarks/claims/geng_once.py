"""In a batch, the pictures whose label occurs once are the ones most at risk."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from torch import Tensor

from benchmarks.claims import floors, papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.spread import spread
from benchmarks.claims.told import attacked
from benchmarks.claims.whole import play_all
from benchmarks.setting import SEED, Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.models.lenet import LeNet
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import SEEN

JSON = Any
STEPS, COUNT, FIRST = 3000, 20, 600
CHANNELS = (32, 12)
"""Those of a LeNet whose update determines four pictures, and those of DLG's, whose update does not."""
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels())


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    values = play_all(runs(own), own, how=play_kinds)
    networks = [[row for row in values if row["channels"] == channels] for channels in CHANNELS]
    ours = "; ".join(f"{rows[0]['channels']} channels: {said(rows)}" for rows in networks)
    judgement = verdict([leads(rows) for rows in networks], median_likeness(networks[0]))
    return Outcome(ours, judgement, values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields for each network batches of four, of which the first two share a label."""
    attack = replace(ATTACK, steps=setting.count(STEPS, 300))
    for channels, number in product(CHANNELS, range(FIRST, FIRST + setting.count(COUNT, 2))):
        dice = random.Random(SEED + number)
        images, labels, classes = pictures.batch(setting, dice, 2, "same")
        while len(labels) < 4:
            image, _, label, _ = setting.pick(dice)
            if label not in labels:
                images, labels = (*images, image), (*labels, label)
        base = Experiment(model=LeNet(width=channels), attack=attack, seed=SEED + number)
        yield {"channels": channels}, replace(base, images=images, labels=labels, classes=classes)


def leads(rows: list[JSON]) -> list[float]:
    """Returns by how many dB the pictures with a label of their own are ahead in each batch."""
    return [row["once"] - row["shared"] for row in rows]


def median_likeness(rows: list[JSON]) -> float:
    return statistics.median(row["likeness"] for row in rows)


def said(rows: list[JSON]) -> str:
    once, shared = (spread([row[kind] for row in rows]) for kind in ("once", "shared"))
    ahead = sum(lead > 0 for lead in leads(rows))
    words = f"median PSNR {once} dB with a label of their own, {shared} dB with a shared one"
    return f"{words}; better in {ahead} of {len(rows)} batches; median likeness of a batch {median_likeness(rows):.2f}"


def play_kinds(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    """Returns the metrics of a whole run, and the mean PSNR of the two pictures of each kind."""
    found = attacked(experiment, device, limit)
    each = psnrs(found.images, found.truth)
    return {"metrics": {"shared": each[:2].mean().item(), "once": each[2:].mean().item(), **found.metrics}}


def psnrs(guess: Tensor, truth: Tensor) -> Tensor:
    """Returns the PSNR (B,) in dB of each picture (C, H, W) of two batches with values in [0, 1]."""
    return -10 * (guess - truth).square().flatten(1).mean(1).clamp(min=1e-10).log10()


def verdict(networks: list[list[float]], likeness: float) -> Verdict:
    """From how many dB the pictures with a label of their own lead in each batch of each network, and the median
    likeness of a batch on the one whose update determines it.

    Whole: on each network a median of 1 dB and a lead in four fifths of the batches, and recognisable pictures, since
    nothing is at risk in others. Part: on each a median above 0.
    """
    middles = [statistics.median(ahead) for ahead in networks]
    often = all(5 * sum(lead > 0 for lead in ahead) >= 4 * len(ahead) for ahead in networks)
    clear = likeness >= SEEN["recognisable"]
    return judged(clear and often and min(middles) >= 1, min(middles) > 0)


CLAIM = Claim(
    title="A label of one's own",
    paper=papers.IMPROVED_LEAKAGE,
    sentence="The pictures whose label occurs once in the batch are most at risk.",
    setup="Twenty batches of four on the sigmoid LeNet, of which two share a label and two have one of their own; with "
    "32 channels, whose update determines four pictures, and with DLG's 12, whose update holds three fifths as many "
    "numbers as they have pixels. Labels known, general deep leakage with 3,000 evaluations of L-BFGS. The mean PSNR "
    "of the two pictures of each kind.",
    theirs="in words only",
    refuted_by="On one of the networks, a median lead of the pictures with a label of their own that is not above 0.",
    live=Experiment(
        images=("sample:digit_3", "sample:digit_7", "sample:coin", "sample:camera"),
        labels=(3, 3, 4, 5),
        model=LeNet(width=32),
        attack=replace(ATTACK, restarts=1),
    ),
    account="Pictures with a label of their own come back better in 15 of 20 batches on both networks, where the rule "
    "asks for 16. With 32 channels those with a shared label are recognisable as well, so that all are at risk.",
    halves=("label=3&label=7&label=4&label=5",),
    figure=Figure(
        "PSNR in dB",
        {"label of its own": "once", "shared label": "shared"},
        ("channels",),
        {channels: f"{channels} channels" for channels in CHANNELS},
        floor=floors.PSNR,
    ),
    measure=measure,
)
