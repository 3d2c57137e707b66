"""Two model-gradient pairs of the same batch give better images than one."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
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

JSON = Any
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels(), restarts=1)
BASE = Experiment(attack=ATTACK, client=ClientStep(lr=0.1))
ROUNDS = (1, 2)
STEPS, COUNT, SIZE = 3000, 10, 4


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    values = play_all(runs(own), own)
    one, two = ([row["psnr"] for row in values if row["rounds"] == rounds] for rounds in ROUNDS)
    better = sum(b > a for a, b in zip(one, two, strict=True))
    ours = f"median PSNR {spread(one)} dB from one pair, {spread(two)} dB from two, "
    ours += f"which are better in {better} of {len(one)} batches"
    middle = verdict(statistics.median(one), statistics.median(two))
    return Outcome(ours, middle, values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields every batch with one update, then with two."""
    attack, size = replace(ATTACK, steps=setting.count(STEPS, 300)), setting.count(SIZE, 2)
    for rounds in ROUNDS:
        base = replace(BASE, attack=attack, threat=ThreatModel(rounds=rounds))
        for experiment in pictures.batches(setting, base, setting.count(COUNT, 2), size, "different"):
            yield {"rounds": rounds}, experiment


def verdict(one: float, two: float) -> Verdict:
    """From median PSNRs. Whole: two pairs are 2 dB better. Part: they are better."""
    return judged(two >= one + 2, two > one)


CLAIM = Claim(
    title="Two pairs beat one",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="When the client uses a batch in several rounds, matching all its updates at once gives better images.",
    setup="Ten batches of four on the sigmoid LeNet, labels known, one or two updates of it, "
    "the server stepping with rate 0.1 in between; 3,000 evaluations of L-BFGS.",
    theirs="in words only",
    refuted_by="Two pairs that give no better images than one.",
    live=replace(BASE, images=("sample:astronaut", "sample:chelsea"), threat=ThreatModel(rounds=2)),
    halves=("threat.rounds=1",),
    figure=draw_psnr(("rounds",), {1: "1 update", 2: "2 updates"}),
    measure=measure,
)
