"""On the sigmoid LeNet, the squared distance with L-BFGS gives the picture back nearly without error."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe

JSON = Any
SQUARED = replace(find_recipe("dlg"), labels=KnownLabels())
COSINE = find_recipe("inverting_gradients")
MEAN, DEVIATION = 46.25, 12.66
"""The paper's mean PSNR of the squared distance, dB."""


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    for name, attack in (("squared", SQUARED), ("cosine", COSINE)):
        for _, experiment in own.experiments(Experiment(attack=attack), setting.count(6, 3)):
            result = play(experiment, setting.device, 12 if setting.quick else 40)
            values.append({"attack": name, "seed": experiment.seed, **result["metrics"]})
    squared, cosine = ([row["psnr"] for row in values if row["attack"] == name] for name in ("squared", "cosine"))
    mean, other = statistics.mean(squared), statistics.mean(cosine)
    ours = f"squared + L-BFGS {spread(squared)} dB, cosine + Adam {spread(cosine)} dB ({len(squared)} images each)"
    return Outcome(ours, verdict(mean, other), values, pictures.words(setting, "cifar10"))


def verdict(squared: float, cosine: float) -> Verdict:
    """Whole: within one of the paper's deviations of its mean, or above, and above the cosine. Part: above it only."""
    return judged(squared >= MEAN - DEVIATION and squared > cosine, squared > cosine)


def spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


CLAIM = Claim(
    title="DLG on the toy LeNet",
    paper=papers.INVERTING_GRADIENTS,
    sentence="On the sigmoid LeNet with large uniform weights, for which DLG was made, the squared distance with "
    "L-BFGS recovers CIFAR-10 images far better than the cosine with Adam does.",
    setup="LeNet, weights from U(-0.5, 0.5), one image of 32 × 32, its label known, mean PSNR and deviation. DLG has "
    "3,000 evaluations of L-BFGS with backtracking; the cosine runs as the recipe of Inverting Gradients.",
    theirs="squared + L-BFGS 46.25 ± 12.66 dB, cosine + Adam 18.00 ± 3.33 dB (100 images)",
    refuted_by="A mean PSNR of the squared distance that is not above the cosine's.",
    live=Experiment(attack=SQUARED),
    halves=("attack=inverting_gradients",),
    figure=draw_psnr(("attack",), {"squared": "squared, L-BFGS", "cosine": "cosine, Adam"}),
    measure=measure,
)
