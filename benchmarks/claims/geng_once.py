"""In a batch, the pictures whose label occurs once are the ones most at risk."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from dataclasses import replace
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
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import SEEN

JSON = Any
STEPS, COUNT, FIRST = 3000, 10, 600
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels())


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    values = play_all(runs(own), own, how=play_kinds)
    once, shared = ([row[kind] for row in values] for kind in ("once", "shared"))
    gaps = [a - b for a, b in zip(once, shared, strict=True)]
    ours = f"median PSNR {spread(once)} dB with a label of their own, {spread(shared)} dB with a shared one; "
    ours += f"better in {sum(gap > 0 for gap in gaps)} of {len(gaps)} batches"
    likeness = statistics.median(row["likeness"] for row in values)
    ours += f"; median likeness of a batch {likeness:.2f}"
    return Outcome(ours, verdict(gaps, likeness), values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields batches of four, of which the first two share a label."""
    attack = replace(ATTACK, steps=setting.count(STEPS, 300))
    for number in range(FIRST, FIRST + setting.count(COUNT, 2)):
        dice = random.Random(SEED + number)
        images, labels, classes = pictures.batch(setting, dice, 2, "same")
        while len(labels) < 4:
            image, _, label, _ = setting.pick(dice)
            if label not in labels:
                images, labels = (*images, image), (*labels, label)
        yield {}, Experiment(images=images, labels=labels, classes=classes, attack=attack, seed=SEED + number)


def play_kinds(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    """Returns the metrics of a whole run, and the mean PSNR of the two pictures of each kind."""
    found = attacked(experiment, device, limit)
    each = psnrs(found.images, found.truth)
    return {"metrics": {"shared": each[:2].mean().item(), "once": each[2:].mean().item(), **found.metrics}}


def psnrs(guess: Tensor, truth: Tensor) -> Tensor:
    """Returns the PSNR (B,) in dB of each picture (C, H, W) of two batches with values in [0, 1]."""
    return -10 * (guess - truth).square().flatten(1).mean(1).clamp(min=1e-10).log10()


def verdict(gaps: list[float], likeness: float) -> Verdict:
    """From how many dB the pictures with a label of their own lead in each batch, and a batch's median likeness.

    Whole: a median of 1 dB, a lead in four fifths of the batches, and pictures that are recognisable, since nothing is
    at risk in others. Part: a median above 0.
    """
    middle, ahead = statistics.median(gaps), sum(gap > 0 for gap in gaps)
    clear = likeness >= SEEN["recognisable"]
    return judged(clear and middle >= 1 and 5 * ahead >= 4 * len(gaps), middle > 0)


CLAIM = Claim(
    title="A label of one's own",
    paper=papers.IMPROVED_LEAKAGE,
    sentence="The pictures whose label occurs once in the batch are most at risk.",
    setup="Ten batches of four on the sigmoid LeNet, of which two share a label and two have one of their own; labels "
    "known, general deep leakage with 3,000 evaluations of L-BFGS. The mean PSNR of the two pictures of each kind.",
    theirs="in words only",
    refuted_by="A median PSNR that is not higher for the pictures with a label of their own.",
    live=Experiment(
        images=("sample:digit_3", "sample:digit_7", "sample:coin", "sample:camera"),
        labels=(3, 3, 4, 5),
        attack=replace(ATTACK, restarts=1),
    ),
    account="Pictures with a label of their own come back better in nine of ten batches. But 3,000 evaluations bring "
    "back outlines alone, and what is no more than an outline is hardly at risk.",
    halves=("label=3&label=7&label=4&label=5",),
    figure=Figure("PSNR in dB", {"label of its own": "once", "shared label": "shared"}, floor=floors.PSNR),
    measure=measure,
)
