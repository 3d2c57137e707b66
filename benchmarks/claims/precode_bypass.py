"""An attack that leaves out the gradients of PRECODE's own and all later layers disables it."""

from __future__ import annotations

from benchmarks.claims import papers
from benchmarks.claims.claim import Claim, Outcome
from benchmarks.claims.figure import draw_likeness
from benchmarks.claims.precode import BYPASS, broken
from benchmarks.setting import Setting
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment
from gradleak_core.models.mlp import MLP


def measure(setting: Setting) -> Outcome:
    return broken(setting, "bypass")


CLAIM = Claim(
    title="PRECODE, bypassed",
    paper=papers.PPP,
    sentence="An attack that leaves out the gradients of PRECODE's own and all later layers disables it.",
    setup="PRECODE before the classifier of the untrained MLP and LeNet (ten victims each), ResNet-20 and ViT (five), "
    "one image, label known, beside the same victims undefended. ResNet-20 is four times as wide as usual, as in "
    "Inverting Gradients. Each network has the optimiser that suits it: signed Adam on the cosine, L-BFGS on LeNet. "
    "300 iterations on the MLP (undefended 7,000), 3,000 on LeNet, 1,500 on ResNet-20 and ViT (150 with --quick). "
    "PRECODE is disabled on a network where the median likeness is that of a recognisable picture, and 90 % of the "
    "undefended one.",
    theirs="in words only, on four networks; a later work of the authors: SSIM 0.24, 0.28 and 0.14 on a CNN",
    refuted_by="No network on which PRECODE is disabled.",
    live=Experiment(model=MLP(), attack=BYPASS, defences=(Precode(),)),
    account="The noise turns what flows back, which no picture can match, and the optimiser bends the pixels to try; "
    "the longer it runs, the more. Before the other networks' classifiers nearly all layers lie ahead of the "
    "noise, but every one of their gradients is turned by it. On the MLP no search is needed: see linear_first_layer.",
    halves=("attack=inverting_gradients",),
    figure=draw_likeness(("model", "attack")),
    measure=measure,
)
