"""Restarts that agree on a picture, those of smaller distance leading, find a better one."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.priors import Group
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe

JSON = Any
DEFAULT = find_recipe("general_deep_leakage")
TOGETHER = replace(DEFAULT, restarts=5, goal=0.0)
"""Five restarts, as the authors' program has."""
ALONE = replace(TOGETHER, priors=tuple(prior for prior in DEFAULT.priors if not isinstance(prior, Group)))
STEPS, FIRST = 600, 500


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    for name, attack in (("alone", ALONE), ("together", TOGETHER)):
        base = Experiment(attack=replace(attack, steps=setting.count(STEPS, 60)))
        for experiment in pictures.batches(own, base, setting.count(10, 2), 2, "different", FIRST):
            result = play(experiment, setting.device)
            head = {"seeds": name, "seed": experiment.seed, "redrawn": result["redrawn"]}
            values.append(head | result["metrics"])
    alone, together = ([row["psnr"] for row in values if row["seeds"] == name] for name in ("alone", "together"))
    gains = [b - a for a, b in zip(alone, together, strict=True)]
    ours = f"mean PSNR {statistics.mean(together):.2f} dB with the group, {statistics.mean(alone):.2f} dB without; "
    ours += f"better in {sum(gain > 0 for gain in gains)} of {len(gains)} batches"
    return Outcome(ours, verdict(gains), values, pictures.words(setting, "cifar10"))


def verdict(gains: list[float]) -> Verdict:
    """From what the group adds to each batch's PSNR. Whole: half a decibel in the mean. Part: it does no harm."""
    return judged(statistics.mean(gains) >= 0.5, statistics.mean(gains) >= 0)


CLAIM = Claim(
    title="Restarts that agree",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="Restarts that are drawn to their consensus, those of smaller distance leading, give better images.",
    setup="Ten batches of two with different labels on the sigmoid LeNet, general deep leakage with five restarts, as "
    "the authors' program has, and no goal, 600 evaluations of L-BFGS, with and without the weighted group after the "
    "first quarter.",
    theirs="in words only",
    refuted_by="A lower mean PSNR with the group than without.",
    live=Experiment(images=("sample:astronaut", "sample:chelsea"), attack=replace(TOGETHER, steps=STEPS)),
    account="Restarts that match about equally well stand in different places, and each is nearer to the truth for "
    "being drawn to the others.",
    halves=("attack.priors=none",),
    figure=draw_psnr(("seeds",), {"alone": "without the group", "together": "with the group"}),
    measure=measure,
)
