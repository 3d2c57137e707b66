"""One wrong label in the batch spoils the pictures of the batch."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.spread import spread
from benchmarks.claims.told import attacked
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe
from gradleak_core.types import Observation
from gradleak_core.verdicts import SEEN

JSON = Any
STEPS, COUNT, SIZE, FIRST = 6000, 10, 2, 300
ATTACK = replace(find_recipe("general_deep_leakage"), labels=KnownLabels(), steps=STEPS)
CLEAR = SEEN["recognisable"]


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    base = Experiment(attack=replace(ATTACK, steps=setting.count(STEPS, 600)))
    for told, how in (("right", play_right), ("wrong", play_wrong)):
        batches = pictures.batches(own, base, setting.count(COUNT, 2), SIZE, "different", FIRST)
        values += play_all((({"labels": told}, batch) for batch in batches), own, how=how)
    shares = {told: share_clear(values, told) for told in ("right", "wrong")}
    psnr = {told: spread([row["psnr"] for row in values if row["labels"] == told]) for told in shares}
    ours = f"{shares['right']:.0%} of the batches recognisable with the right labels, {psnr['right']} dB; "
    ours += f"{shares['wrong']:.0%} with one of {SIZE} wrong, {psnr['wrong']} dB"
    return Outcome(ours, verdict(**shares), values, pictures.words(setting, "cifar10"))


def play_right(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    return {"metrics": attacked(experiment, device, limit).metrics}


def play_wrong(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    return {"metrics": attacked(experiment, device, limit, one_wrong).metrics}


def verdict(right: float, wrong: float) -> Verdict:
    """From the shares of batches that are recognisable with the right labels and with a wrong one.

    Whole: at least nine tenths with the right ones and at most a tenth with a wrong one. Part: fewer with a wrong one.
    """
    return judged(right >= 0.9 and wrong <= 0.1, wrong < right)


def share_clear(values: list[JSON], told: str) -> float:
    return statistics.mean(row["likeness"] >= CLEAR for row in values if row["labels"] == told)


def one_wrong(observation: Observation) -> Observation:
    """The first label replaced by a class that is not in the batch."""
    assert observation.labels is not None
    labels = observation.labels.clone()
    labels[0] = next(n for n in range(observation.classes) if n not in labels.tolist())
    return replace(observation, labels=labels)


CLAIM = Claim(
    title="One wrong label",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="When one label of the batch is wrong, restoring its images fails.",
    setup="Ten batches of two with different labels on the sigmoid LeNet, general deep leakage without a goal, 6,000 "
    "evaluations of L-BFGS; the attacker is given the labels, once all right, once one replaced by a class that is not "
    f"in the batch. A batch is recognisable from a mean likeness of {CLEAR}. Median PSNR and quartiles.",
    theirs="in words only",
    refuted_by="As many recognisable batches with a wrong label as with the right ones.",
    live=Experiment(
        images=("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee"),
        attack=replace(ATTACK, restarts=1),
    ),
    figure=draw_psnr(("labels",), {"right": "right labels", "wrong": "a wrong label"}),
    measure=measure,
)
