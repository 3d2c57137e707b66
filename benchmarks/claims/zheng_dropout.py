"""Dropout before the classifier keeps DLG from converging; reading the mask off the update brings it back."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import floors, papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core.defences.dropout import Dropout
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe

JSON = Any
ROWS = {
    "no dropout": Experiment(attack=find_recipe("dlg")),
    "dropout": Experiment(attack=find_recipe("dlg"), defences=(Dropout(p=0.5),)),
    "dropout, mask read off": Experiment(attack=find_recipe("dropout_readoff"), defences=(Dropout(p=0.5),)),
}
SMALL = 0.05
"""The RMSE under which a picture counts as recovered: 26 dB."""


def measure(setting: Setting) -> Outcome:
    values, steps = [], setting.count(5800, 1500)
    for name, base in ROWS.items():
        longer = replace(base, attack=replace(base.attack, steps=steps))  # type: ignore[type-var]
        for experiment in pictures.each(setting, longer, "cifar10", 2):
            result = play(experiment, setting.device, 120)
            values.append(
                {"setting": name, "seed": experiment.seed, "iterations": result["iterations"], **result["metrics"]}
            )
    rmse = {name: statistics.median(row["rmse"] for row in values if row["setting"] == name) for name in ROWS}
    ours = "median RMSE " + ", ".join(f"{value:.3f} ({name})" for name, value in rmse.items())
    return Outcome(ours, verdict(*rmse.values()), values, pictures.words(setting, "victims/cifar10"))


def verdict(plain: float, dropped: float, read: float) -> Verdict:
    """From median RMSEs. Whole: small without dropout, not small with it. Part: dropout doubles it.
    Whether the mask can be read off does not count: the paper does not look at it."""
    return judged(plain < SMALL <= dropped, dropped >= 2 * plain)


CLAIM = Claim(
    title="Dropout against DLG",
    paper=papers.ZHENG,
    sentence="With dropout of rate 0.5 before the classifier DLG reaches no small RMSE even in 5,800 iterations.",
    setup="Sigmoid LeNet, one image, DLG for 5,800 evaluations (1,500 with --quick), without dropout, with it, and "
    "with it when the attacker first reads the mask off the zero columns of the gradient, and the label.",
    theirs="in words only",
    refuted_by="A median RMSE under 0.05 with dropout, by DLG itself.",
    live=ROWS["dropout, mask read off"],
    account="The defence holds only against an attacker who does not look: with one image the mask is in the update.",
    halves=(
        "attack=dlg",
        "attack=dlg&defence=none",
    ),
    figure=Figure(
        "RMSE, lower for a better picture", {"": "rmse"}, ("setting",), floor=round(10 ** (-floors.PSNR / 20), 4)
    ),
    measure=measure,
)
