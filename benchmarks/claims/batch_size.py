"""How much less a larger batch leaks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from benchmarks.claims import floors, papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.models import build
from gradleak_core.models.lenet import LeNet
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import SEEN

JSON = Any
Kind = tuple[int, int]
"""The channels of the LeNet's convolutions and the pictures of a batch."""
SHAPE = (3, 32, 32)
COUNTS = {(32, 8): 10, (32, 4): 10, (12, 8): 5, (12, 4): 5, (32, 2): 10, (32, 1): 10, (12, 2): 10, (12, 1): 10}
"""Batches by the LeNet's channels and the pictures of each, the longest runs first."""
NAMES = {12: "12 channels", 32: "32 channels", 1: "1 picture", 2: "2 pictures", 4: "4 pictures", 8: "8 pictures"}
STEPS, QUICK = 15_000, 3000
LOOK = 0.1
"""The seconds between two looks at the pick, in which a few dozen evaluations are made."""
ATTACK = replace(find_recipe("dlg"), labels=KnownLabels())


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    rows = play_all(runs(own), own, 5 if setting.quick else math.inf, LOOK)
    values = sorted(rows, key=lambda row: (-row["channels"], row["batch"]))
    kinds = dict.fromkeys((row["channels"], row["batch"]) for row in values)
    back = {kind: leaked(values, *kind) for kind in kinds}
    time = {kind: needed(values, *kind) for kind in kinds}
    ours = "; ".join(f"{channels} channels, {size}: {line(values, channels, size)}" for channels, size in kinds)
    return Outcome(ours, verdict(time, back), values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields every run, the largest batches first."""
    attack = replace(ATTACK, steps=setting.count(STEPS, QUICK))
    for (channels, size), count in COUNTS.items():
        base = Experiment(model=LeNet(width=channels), attack=attack)
        for experiment in pictures.batches(setting, base, setting.count(count, 2), size):
            yield {"channels": channels, "batch": size}, experiment


def verdict(time: Mapping[Kind, float], back: Mapping[Kind, float]) -> Verdict:
    """From the median evaluations until a batch is recognisable, infinite for never, and the share that comes back.

    Whole: each doubling takes longer, and of every size at least half of the batches come back. Part: one of the two.
    A batch with more pixels than its update has independent numbers does not follow from it, and is not judged.
    """
    determined = [kind for kind in sorted(time) if is_determined(*kind)]
    pairs = [(before, after) for before, after in pairwise(determined) if before[0] == after[0]]
    longer = bool(pairs) and all(time[after] > time[before] for before, after in pairs)
    small = min(back[kind] for kind in determined) >= 0.5
    return judged(longer and small, longer or small)


def is_determined(channels: int, size: int) -> bool:
    """Whether an update has at least as many independent numbers as the batch has pixels."""
    return count_numbers(LeNet(width=channels), SHAPE, size) >= size * math.prod(SHAPE)


def count_numbers(model: LeNet, shape: tuple[int, int, int], size: int) -> int:
    """Returns how many independent numbers the update of a batch with known labels holds at most.

    They are the features of each picture and the gradients of two convolutions. With its label, a picture's features
    give its part of the classifier's gradient, and that of the third convolution, which maps as many values to as many
    features. Of the second convolution's gradient they give w + w² numbers: the bias's, and the products of the weights
    of each channel with the gradient of each.
    """
    network, w = build(model, shape, 10, seed=0), model.width
    first, second = (sum(x.numel() for x in getattr(network, name).parameters()) for name in ("conv1", "conv2"))
    return first + second - w - w**2 + size * network.get_parameter("classifier.weight").shape[1]


def chosen(values: list[JSON], channels: int, size: int, key: str) -> list[Any]:
    return [row[key] for row in values if (row["channels"], row["batch"]) == (channels, size)]


def leaked(values: list[JSON], channels: int, size: int) -> float:
    return statistics.mean(likeness >= SEEN["recognisable"] for likeness in chosen(values, channels, size, "likeness"))


def needed(values: list[JSON], channels: int, size: int) -> float:
    """Returns the median evaluations until the attacker's pick is recognisable, which are infinite for never."""
    found = chosen(values, channels, size, "iterations_to_recognisable")
    return statistics.median(math.inf if count is None else count for count in found)


def line(values: list[JSON], channels: int, size: int) -> str:
    time = needed(values, channels, size)
    after = "not in time by half of them" if time == math.inf else f"after a median of {time:,.0f} evaluations"
    psnr, back = spread(chosen(values, channels, size, "psnr")), leaked(values, channels, size)
    return f"{psnr} dB, {back:.0%} recognisable, {after}"


CLAIM = Claim(
    title="Leakage over the batch size",
    paper=papers.DLG,
    sentence="The more images one update is made of, the longer DLG takes; small batches still come back.",
    setup="Sigmoid LeNet, batches of 1, 2, 4 and 8 images of CIFAR-10, their labels known, 15,000 evaluations of "
    "L-BFGS each. With the 12 channels of DLG's LeNet the update of two pictures holds 5,904 independent numbers for "
    "6,144 pixels, and that of four 7,440 for 12,288: whole pictures do not follow from them. So the claim is tried "
    "with 32 channels too, where eight pictures have 24,576 pixels and their update 43,392 numbers. Ten batches of "
    "each size, five of 4 and of 8 with 12 channels. PSNR of the attacker's pick: the median, quartiles and "
    f"number of batches, where the mean colour of a picture scores {floors.PSNR:.1f} dB; the share of batches with a "
    f"likeness of at least {SEEN['recognisable']}, and the evaluations until then.",
    theirs="270, 602, 1,173 and 2,711 iterations, each of up to 20 evaluations, for batches of 1, 2, 4 and 8 CIFAR "
    "images; the number of batches is not known here",
    refuted_by="A larger batch that does not take longer, and a size of which less than half of the batches come back.",
    live=Experiment(
        images=("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee"),
        model=LeNet(width=32),
        attack=ATTACK,
    ),
    account="With 32 channels every size comes back, and each doubling takes longer. A batch in ten fails, of 1, 2 and "
    "4 alike. With DLG's 12 channels two pictures stay at 20 dB, as their update holds 4 % fewer numbers than they "
    "have pixels. Four and eight stay outlines and mixtures.",
    halves=(
        "image=sample:astronaut",
        "image=sample:astronaut&image=sample:chelsea",
        "model.width=12",
    ),
    figure=draw_psnr(("channels", "batch"), NAMES),
    measure=measure,
)
