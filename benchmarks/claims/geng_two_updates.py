"""Two consecutive model updates of federated averaging give the batch back."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep
from gradleak_core.verdicts import recognisable

JSON = Any
STEPS, COUNT = 3000, 10
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels(), restarts=1)
BASE = Experiment(
    attack=ATTACK, client=ClientStep(local_epochs=2, local_batch=1, lr=0.01), threat=ThreatModel(rounds=2)
)


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    base = replace(BASE, attack=replace(ATTACK, steps=setting.count(STEPS, 300)))
    batches = pictures.batches(own, base, setting.count(COUNT, 2), 2, "different")
    values = play_all((({}, batch) for batch in batches), own)
    back = statistics.mean(recognisable(row) for row in values)
    ours = f"{back:.0%} of the batches recognisable, median PSNR {spread([row['psnr'] for row in values])} dB"
    return Outcome(ours, verdict(back), values, pictures.words(setting, "cifar10"))


def verdict(back: float) -> Verdict:
    """From the share of batches that are recognisable. Whole: three quarters. Part: any."""
    return judged(back >= 0.75, back > 0)


CLAIM = Claim(
    title="Two consecutive updates",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="In federated averaging, two consecutive model updates are enough to restore the client's batch.",
    setup="Ten batches of two on the sigmoid LeNet, labels known, two local epochs of mini-batches of one, two rounds; "
    "the attacker repeats the local steps. 3,000 evaluations of L-BFGS.",
    theirs="in words only",
    refuted_by="No batch recognisable.",
    live=replace(BASE, images=("sample:astronaut", "sample:chelsea")),
    halves=("threat.rounds=1",),
    figure=draw_psnr(),
    measure=measure,
)
