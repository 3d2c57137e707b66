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
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import SEEN

JSON = Any
COUNTS = {8: 5, 4: 5, 2: 10, 1: 10}
"""Batches of each size, the longest runs first."""
SIZES = tuple(sorted(COUNTS))
STEPS, QUICK = 15_000, 3000
LOOK = 0.1
"""The seconds between two looks at the pick, in which a few dozen evaluations are made."""
ATTACK = replace(find_recipe("dlg"), labels=KnownLabels())


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    rows = play_all(runs(own), own, 5 if setting.quick else math.inf, LOOK)
    values = sorted(rows, key=lambda row: row["batch"])
    back = {size: leaked(values, size) for size in SIZES}
    time = {size: needed(values, size) for size in SIZES}
    ours = "; ".join(f"{size}: {line(values, size)}" for size in SIZES)
    return Outcome(f"batch of {ours}", verdict(time, back), values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields every run, the largest batches first."""
    base = Experiment(attack=replace(ATTACK, steps=setting.count(STEPS, QUICK)))
    for size, count in COUNTS.items():
        for experiment in pictures.batches(setting, base, setting.count(count, 2), size):
            yield {"batch": size}, experiment


def verdict(time: Mapping[int, float], back: Mapping[int, float]) -> Verdict:
    """From the median evaluations until a batch is recognisable, infinite for never, and the share that comes back.

    Whole: each doubling takes longer, and of every size at least half of the batches come back. Part: one of the two.
    Two sizes that do not come back in time cannot be told apart, so they are not compared.
    """
    ordered = [time[size] for size in sorted(time)]
    told_apart = [(before, after) for before, after in pairwise(ordered) if before < math.inf or after < math.inf]
    longer = bool(told_apart) and all(after > before for before, after in told_apart)
    small = min(back.values()) >= 0.5
    return judged(longer and small, longer or small)


def chosen(values: list[JSON], size: int, key: str) -> list[Any]:
    return [row[key] for row in values if row["batch"] == size]


def leaked(values: list[JSON], size: int) -> float:
    return statistics.mean(likeness >= SEEN["recognisable"] for likeness in chosen(values, size, "likeness"))


def needed(values: list[JSON], size: int) -> float:
    """Returns the median evaluations until the attacker's pick is recognisable, which are infinite for never."""
    found = chosen(values, size, "iterations_to_recognisable")
    return statistics.median(math.inf if count is None else count for count in found)


def line(values: list[JSON], size: int) -> str:
    time = needed(values, size)
    after = "not in time by half of them" if time == math.inf else f"after a median of {time:,.0f} evaluations"
    return f"{spread(chosen(values, size, 'psnr'))} dB, {leaked(values, size):.0%} recognisable, {after}"


CLAIM = Claim(
    title="Leakage over the batch size",
    paper=papers.DLG,
    sentence="The more images one update is made of, the longer DLG takes; small batches still come back.",
    setup="Sigmoid LeNet, batches of 1, 2, 4 and 8 images of CIFAR-10, their labels known, 15,000 evaluations of "
    "L-BFGS each; ten batches of 1 and of 2, five of 4 and of 8. PSNR of the attacker's pick: the median, quartiles "
    f"and number of batches, where the mean colour of a picture scores {floors.PSNR:.1f} dB; the share of batches with "
    f"a likeness of at least {SEEN['recognisable']}, and the evaluations until one of 0.65, the border at that time.",
    theirs="270, 602, 1,173 and 2,711 iterations, each of up to 20 evaluations, for batches of 1, 2, 4 and 8 CIFAR "
    "images; the number of batches is not known here",
    refuted_by="A larger batch that does not take longer, and a size of which less than half of the batches come back.",
    live=Experiment(images=("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee"), attack=ATTACK),
    account="Batches of 1 and 2 come back, and 2 takes three times as long. Of 4 and 8 pictures 15,000 evaluations "
    "leave outlines and mixtures; the paper's iterations stand for up to 23,000 and 54,000.",
    halves=(
        "image=sample:astronaut",
        "image=sample:astronaut&image=sample:chelsea",
    ),
    figure=draw_psnr(("batch",), {n: f"{n} pictures" for n in SIZES[1:]} | {1: "1 picture"}),
    measure=measure,
)
