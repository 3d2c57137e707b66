"""Solving for PRECODE's noise together with the image disables it."""

from __future__ import annotations

from benchmarks.claims import papers
from benchmarks.claims.claim import Claim, Outcome
from benchmarks.claims.figure import draw_ssim
from benchmarks.claims.precode import ATTACKS, broken
from benchmarks.setting import Setting
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment
from gradleak_core.models.mlp import MLP


def measure(setting: Setting) -> Outcome:
    return broken(setting, "noise", 10, 2, steps=800)


CLAIM = Claim(
    title="PRECODE, its noise restored",
    paper=papers.PRECODE,
    sentence="Solving for PRECODE's noise together with the image disables it.",
    setup="PRECODE before the classifier of the untrained MLP, LeNet, ResNet-20 and ViT, one image, label known, "
    "300 to 800 iterations of signed Adam on the cosine (150 with --quick). The MLP, with ten victims, decides.",
    theirs="MLP: SSIM 0.99993, two images",
    refuted_by="A mean SSIM on the MLP under 0.6.",
    live=Experiment(model=MLP(), attack=ATTACKS["noise"], defences=(Precode(),)),
    halves=("attack=inverting_gradients",),
    figure=draw_ssim(("model",)),
    measure=measure,
)
