"""An attack that leaves out the gradients of PRECODE's own and all later layers disables it."""

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
    return broken(setting, "bypass", 10, 3)


CLAIM = Claim(
    title="PRECODE, bypassed",
    paper=papers.PPP,
    sentence="An attack that leaves out the gradients of PRECODE's own and all later layers disables it.",
    setup="PRECODE before the classifier of the untrained MLP, LeNet, ResNet-20 and ViT, one image, label known, "
    "300 to 800 iterations of signed Adam on the cosine (150 with --quick). The MLP, with ten victims, decides.",
    theirs="in words only; a later work of the authors: SSIM 0.24, 0.28 and 0.14 on a CNN",
    refuted_by="A mean SSIM on the MLP under 0.6.",
    live=Experiment(model=MLP(), attack=ATTACKS["bypass"], defences=(Precode(),)),
    account="The noise turns what flows back, which no picture can match, and the optimiser bends the pixels to try; "
    "the longer it runs, the more. Before the other networks' classifiers nearly all layers lie ahead of the "
    "noise, but every one of their gradients is turned by it.",
    halves=("attack=inverting_gradients",),
    figure=draw_ssim(("model",)),
    measure=measure,
)
