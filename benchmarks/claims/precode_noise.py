"""Solving for PRECODE's noise together with the image disables it."""

from __future__ import annotations

from benchmarks.claims import papers
from benchmarks.claims.claim import Claim, Outcome
from benchmarks.claims.figure import draw_likeness
from benchmarks.claims.precode import NOISE, broken
from benchmarks.setting import Setting
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment
from gradleak_core.models.mlp import MLP


def measure(setting: Setting) -> Outcome:
    return broken(setting, "noise")


CLAIM = Claim(
    title="PRECODE, its noise restored",
    paper=papers.PRECODE,
    sentence="Solving for PRECODE's noise together with the image disables it.",
    setup="PRECODE before the classifier of the untrained MLP and LeNet (ten victims each), ResNet-20 and ViT (five), "
    "one image, label known, beside the same victims undefended. ResNet-20 is four times as wide as usual, as in "
    "Inverting Gradients. Each network has the optimiser that suits it: signed Adam on the cosine, L-BFGS on squares "
    "on LeNet. 7,000 iterations on the MLP as in the paper, 10,000 on LeNet (undefended 3,000), 1,500 on ResNet-20 and "
    "ViT (150 with --quick). PRECODE is disabled on a network where the median likeness is that of a recognisable "
    "picture, and 90 % of the undefended one.",
    theirs="MLP: SSIM 0.99993, n = 2",
    refuted_by="No network on which PRECODE is disabled.",
    live=Experiment(model=MLP(), attack=NOISE, defences=(Precode(),)),
    account="On MLP, LeNet and ViT the noise is found with the picture. On ResNet-20, 1,500 iterations make one of "
    "five pictures recognisable; undefended, four are. On the MLP no search is needed: see linear_first_layer.",
    halves=("attack=inverting_gradients",),
    figure=draw_likeness(("model", "attack")),
    measure=measure,
)
