"""Two model-gradient pairs of the same batch give better images than one."""

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

JSON = Any
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels(), restarts=1)
BASE = Experiment(attack=ATTACK, client=ClientStep(lr=0.1))
ROUNDS = (1, 2)


def measure(setting: Setting) -> Outcome:
    own, values, size = pictures.of(setting, "cifar10"), [], setting.count(4, 2)
    for rounds in ROUNDS:
        base = replace(BASE, threat=ThreatModel(rounds=rounds))
        for experiment in pictures.batches(own, base, setting.count(3, 2), size, "different"):
            result = play(experiment, setting.device, 10 if setting.quick else 60)
            head = {"rounds": rounds, "seed": experiment.seed, "iterations": result["iterations"]}
            values.append(head | result["metrics"])
    one, two = (statistics.median(row["psnr"] for row in values if row["rounds"] == n) for n in ROUNDS)
    ours = f"median PSNR of batches of {size}: {one:.1f} dB from one pair, {two:.1f} dB from two"
    return Outcome(ours, verdict(one, two), values, pictures.words(setting, "cifar10"))


def verdict(one: float, two: float) -> Verdict:
    """From median PSNRs. Whole: two pairs are 2 dB better. Part: they are better."""
    return judged(two >= one + 2, two > one)


CLAIM = Claim(
    title="Two pairs beat one",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="When the client uses a batch in several rounds, matching all its updates at once gives better images.",
    setup="Batches of four (two with --quick) on the sigmoid LeNet, labels known, one or two updates of it, "
    "the server stepping with rate 0.1 in between; 3,000 evaluations of L-BFGS or a minute.",
    theirs="in words only",
    refuted_by="Two pairs that give no better images than one.",
    live=replace(BASE, images=("sample:astronaut", "sample:chelsea"), threat=ThreatModel(rounds=2)),
    halves=("threat.rounds=1",),
    figure=draw_psnr(("rounds",), {1: "1 update", 2: "2 updates"}),
    measure=measure,
)
