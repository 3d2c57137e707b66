"""How much less a larger batch leaks."""

from __future__ import annotations

import statistics
from dataclasses import replace
from itertools import pairwise
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import RECOGNISABLE_SSIM

JSON = Any
SIZES = (1, 2, 4, 8, 16)
ATTACK = replace(find_recipe("dlg"), labels=KnownLabels())


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    for size in SIZES:
        for experiment in pictures.batches(own, Experiment(attack=ATTACK), setting.count(3, 2), size):
            result = play(experiment, setting.device, 5 if setting.quick else 30, 0.5)
            row = {key: result[key] for key in ("iterations", "seconds_to_recognisable")}
            values.append({"batch": size, "seed": experiment.seed, **row, **result["metrics"]})
    curve = {size: statistics.median(row["psnr"] for row in values if row["batch"] == size) for size in SIZES}
    ours = "; ".join(f"batch {size}: {curve[size]:.1f} dB, {leaked(values, size):.0%} recognisable" for size in SIZES)
    return Outcome(ours, verdict(list(curve.values())), values, pictures.words(setting, "cifar10"))


def verdict(curve: list[float]) -> Verdict:
    """From the median PSNR by batch size. Whole: each doubling lowers it (by less than 1 dB more at most), and the last
    is 5 dB below the first. Part: the last is below the first by 1 dB."""
    falls = all(after <= before + 1 for before, after in pairwise(curve))
    return judged(falls and curve[0] - curve[-1] >= 5, curve[0] - curve[-1] >= 1)


def leaked(values: list[JSON], size: int) -> float:
    return statistics.mean(row["ssim"] >= RECOGNISABLE_SSIM for row in values if row["batch"] == size)


CLAIM = Claim(
    title="Leakage over the batch size",
    paper=papers.DLG,
    sentence="The more images one update is made of, the longer DLG takes; small batches still come back.",
    setup="Sigmoid LeNet, batches of 1 to 16 images, their labels known, 3,000 evaluations of L-BFGS or 30 s "
    "each; median PSNR of the attacker's pick, and the share of batches with SSIM of at least 0.6.",
    theirs="270, 602, 1,173 and 2,711 iterations for batches of 1, 2, 4 and 8 CIFAR images",
    refuted_by="A batch of sixteen that comes back within 1 dB of a single image.",
    live=Experiment(images=("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee"), attack=ATTACK),
    halves=(
        "image=sample:astronaut",
        "image=sample:astronaut&image=sample:chelsea",
    ),
    figure=draw_psnr(("batch",), {n: f"{n} pictures" for n in SIZES[1:]} | {1: "1 picture"}),
    measure=measure,
)
