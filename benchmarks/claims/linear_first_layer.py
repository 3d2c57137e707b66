"""A linear first layer gives one picture away exactly, whatever the network does after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks import ATTACKS
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment
from gradleak_core.models.mlp import MLP

JSON = Any
ATTACK = ATTACKS["linear_inversion"]
UNBIASED = MLP(width=512, depth=3, activation="gelu", bias=False)
EVERYWHERE = Dropout(p=0.5, place="both")
ROWS = {
    "undefended": Experiment(model=MLP(), attack=ATTACK),
    "dropout": Experiment(model=MLP(), attack=ATTACK, defences=(EVERYWHERE,)),
    "PRECODE": Experiment(model=MLP(), attack=ATTACK, defences=(Precode(),)),
    "no biases": Experiment(model=UNBIASED, attack=ATTACK),
    "no biases, dropout": Experiment(model=UNBIASED, attack=ATTACK, defences=(EVERYWHERE,)),
    "noise": Experiment(model=MLP(), attack=ATTACK, defences=(GaussianNoise(std=0.01),)),
}
EXACT = 60.0
"""The PSNR from which a picture of eight bits a value has no value wrong."""


def measure(setting: Setting) -> Outcome:
    values = play_all(runs(setting), setting)
    said = [f"{name} {spread([row['psnr'] for row in values if row['defence'] == name])}" for name in ROWS]
    return Outcome(
        "PSNR " + "; ".join(said), verdict(least(values)), values, pictures.words(setting, "victims/cifar10")
    )


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Every victim under every row."""
    for name, base in ROWS.items():
        for experiment in pictures.each(setting, base, "cifar10", setting.count(10, 2)):
            yield {"defence": name}, experiment


def least(values: list[JSON]) -> dict[str, float]:
    """The lowest PSNR of each row."""
    return {name: min(row["psnr"] for row in values if row["defence"] == name) for name in ROWS}


def verdict(found: dict[str, float]) -> Verdict:
    """From the lowest PSNR of each row. Whole: exact in all but the one with noise. Part: exact undefended."""
    exact = {name: psnr >= EXACT for name, psnr in found.items() if name != "noise"}
    return judged(all(exact.values()), exact["undefended"])


CLAIM = Claim(
    title="A linear first layer gives the picture away",
    paper=papers.PHONG,
    sentence="One picture follows exactly from the gradients of a linear first layer's weight and bias, without a "
    "search.",
    setup="PRECODE's MLP, untrained, one image, ten victims: undefended, with dropout of rate 0.5 everywhere, and with "
    "PRECODE; the Dropout Inversion Attack's MLP without biases, undefended and with that dropout; and the first MLP "
    "with noise of 0.01 on the update, which touches the first layer. Labels are read off the update.",
    theirs="an equation, and one picture",
    refuted_by="An undefended picture with a PSNR under 60 dB.",
    live=ROWS["PRECODE"],
    halves=("defence=gaussian_noise:std=0.01",),
    figure=draw_psnr(("defence",)),
    measure=measure,
)
