"""Two consecutive model updates of federated averaging give the batch back."""

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
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep
from gradleak_core.verdicts import RECOGNISABLE_SSIM

JSON = Any
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels(), restarts=1)
BASE = Experiment(
    attack=ATTACK, client=ClientStep(local_epochs=2, local_batch=1, lr=0.01), threat=ThreatModel(rounds=2)
)


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    for experiment in pictures.batches(own, BASE, setting.count(4, 2), 2, "different"):
        result = play(experiment, setting.device, 15 if setting.quick else 60)
        values.append({"seed": experiment.seed, "iterations": result["iterations"], **result["metrics"]})
    back = statistics.mean(row["ssim"] >= RECOGNISABLE_SSIM for row in values)
    ours = f"{back:.0%} of the batches recognisable, median PSNR {statistics.median(r['psnr'] for r in values):.1f} dB"
    return Outcome(ours, verdict(back), values, pictures.words(setting, "cifar10"))


def verdict(back: float) -> Verdict:
    """From the share of batches with SSIM of at least 0.6. Whole: three quarters. Part: any."""
    return judged(back >= 0.75, back > 0)


CLAIM = Claim(
    title="Two consecutive updates",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="In federated averaging, two consecutive model updates are enough to restore the client's batch.",
    setup="Batches of two on the sigmoid LeNet, labels known, two local epochs of mini-batches of one, two rounds; the "
    "attacker repeats the local steps. 3,000 evaluations of L-BFGS or a minute.",
    theirs="in words only",
    refuted_by="No batch recognisable.",
    live=replace(BASE, images=("sample:astronaut", "sample:chelsea")),
    halves=("threat.rounds=1",),
    figure=draw_psnr(),
    measure=measure,
)
