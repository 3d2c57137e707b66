"""A vision transformer's patch embedding gives one picture away exactly, through the gradient of its positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.linear_first_layer import ATTACK, EXACT
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.defences.dropout import Dropout
from gradleak_core.experiment import Experiment
from gradleak_core.models.vit import ViT

JSON = Any
ROWS = {
    "32 pixels": Experiment(model=ViT(), attack=ATTACK),
    "32 pixels, dropout": Experiment(model=ViT(), attack=ATTACK, defences=(Dropout(p=0.5, place="both"),)),
    "224 pixels": Experiment(model=ViT(patch=16), size=224, attack=ATTACK),
    "32 pixels, a narrow network": Experiment(model=ViT(heads=2), attack=ATTACK),
}
NARROW = "32 pixels, a narrow network"


def measure(setting: Setting) -> Outcome:
    values = play_all(runs(setting), setting)
    said = [f"{name} {spread([row['psnr'] for row in values if row['setting'] == name])}" for name in ROWS]
    slowest = max(row["seconds"] for row in values if row["setting"] == "224 pixels")
    ours = f"PSNR {'; '.join(said)}; at most {slowest:.2g} s at 224 pixels"
    return Outcome(ours, verdict(least(values)), values, pictures.words(setting, "victims/cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Every victim under every row; of 224 pixels the samples, since the victims are small."""
    for name, base in ROWS.items():
        own = setting if base.size == 32 else Setting(setting.quick, setting.device)
        for experiment in pictures.each(own, base, "cifar10", setting.count(10, 2)):
            yield {"setting": name}, experiment


def least(values: list[JSON]) -> dict[str, float]:
    """The lowest PSNR of each row."""
    return {name: min(row["psnr"] for row in values if row["setting"] == name) for name in ROWS}


def verdict(found: dict[str, float]) -> Verdict:
    """From the lowest PSNR of each row. Whole: exact in all but the narrow network. Part: exact in one of them."""
    exact = [psnr >= EXACT for name, psnr in found.items() if name != NARROW]
    return judged(all(exact), any(exact))


CLAIM = Claim(
    title="Patches give the picture away",
    paper=papers.APRIL,
    sentence="One picture follows exactly from the gradients of a vision transformer's patch embedding and of its "
    "learnt positions, without a search.",
    setup="The Dropout Inversion Attack's ViT, untrained, one image: ten victims at 32 pixels with patches of 4, "
    "undefended and with dropout of rate 0.5 everywhere; ten samples, cropped at random, at 224 pixels with patches of "
    "16; and a ViT of width 32, which has more patches than that and so cannot tell them apart.",
    theirs="in words and pictures: pixel-wise equal on ImageNet",
    refuted_by="A PSNR under 60 dB in each of the rows whose width is larger than the number of patches.",
    live=ROWS["224 pixels"],
    halves=("model.heads=8",),
    figure=draw_psnr(("setting",)),
    measure=measure,
)
