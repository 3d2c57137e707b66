"""Solving for dropout masks together with the image, against ignoring, guessing and being told them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.claims import floors, papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.distances import Squared
from gradleak_core.attacks.parts.optimisers import LBFGS, Adam
from gradleak_core.attacks.parts.priors import KeepRate, TotalVariation
from gradleak_core.attacks.parts.stances import Guess, Ignore, Solve, Stance, Told
from gradleak_core.attacks.parts.unknowns import Pixels
from gradleak_core.defences.dropout import Dropout
from gradleak_core.experiment import Experiment
from gradleak_core.models.lenet import LeNet
from gradleak_core.models.mlp import MLP
from gradleak_core.models.resnet18 import ResNet18
from gradleak_core.models.resnet20 import ResNet20
from gradleak_core.models.vit import ViT
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import SEEN

JSON = Any
STANCES: dict[str, Stance] = {"ignore": Ignore(), "guess": Guess(), "told": Told(), "solve": Solve()}
PLAIN = "no dropout"
"""The row of a client without dropout."""
ROWS = (*STANCES, PLAIN)
ATTACK = find_recipe("dropout_inversion")
SMOOTH = replace(
    ATTACK, distance=Squared(), unknowns=(Pixels(),), priors=(KeepRate(),), optimiser=LBFGS(), steps=1500, restarts=2
)
DEEP = replace(
    ATTACK, priors=(TotalVariation(1e-2, early=20), KeepRate()), optimiser=Adam(lr=0.4, schedule="cosine"), steps=600
)
LONG = replace(ATTACK, optimiser=Adam(lr=0.2, schedule="cosine"), steps=8000)
RATE = Dropout(p=0.25)
TRANSFORMER = Experiment(model=ViT(), defences=(Dropout(p=0.5, place="both"),), attack=LONG)
BASES = {
    "ViT": TRANSFORMER,
    "ResNet-20": Experiment(model=ResNet20(width=4), defences=(RATE,), attack=DEEP),
    "LeNet": Experiment(model=LeNet(), defences=(RATE,), attack=SMOOTH),
    "MLP": Experiment(
        model=MLP(512, 3, "gelu", bias=False),
        defences=(replace(RATE, place="both"),),
        attack=replace(ATTACK, steps=400),
    ),
}
LARGE = {
    ("ViT", "samples, 224 pixels"): replace(
        TRANSFORMER, model=ViT(patch=16), size=224, attack=replace(LONG, steps=3000)
    ),
    ("ResNet-18", "samples, 224 pixels"): Experiment(model=ResNet18(), size=224, defences=(RATE,), attack=DEEP),
}
SETS = {"cifar10": {"channels": 3, "size": 32}, "mnist": {"channels": 1, "size": 28}}
COUNTS = {"ViT": 2, "ResNet-20": 2, "LeNet": 5, "MLP": 10}
"""Victims of each set."""
LARGE_COUNT = 2
MOST = dict.fromkeys(("ignore", "guess", "told", PLAIN), 1500)
"""Iterations after which an attacker who does not solve for masks is past what is to be had: in the authors' own runs
of the ViT, ignoring was at its best after 1,067 to 1,688 iterations, and being told ended after 93 to 922."""
UNITS = 16
"""Squared size of a normalised unit: pixels are mapped to (x - 0.5) / 0.25."""
NEAR, PLENTY = 6.0, 40.0
"""The decibels that solving may stay behind being told, and the PSNR from which on that does not count. Solving stays
2.5 to 5 dB behind in the authors' own runs."""


@dataclass(frozen=True)
class Case:
    """Which parts of the sentence hold on one network and set."""

    fails: bool
    """Ignoring dropout shows nothing that is recognisable."""
    succeeds: bool
    """Solving for the masks shows a recognisable picture."""
    near: bool
    """Solving is nearly as good as being told."""

    @property
    def holds(self) -> bool:
        return self.fails and self.succeeds and self.near


def measure(setting: Setting) -> Outcome:
    rows = play_all(runs(setting), setting, 10 if setting.quick else float("inf"))
    rows.sort(key=lambda row: (row["model"], row["set"], ROWS.index(row["stance"])))
    values = [row | {"normalised_mse": UNITS * row["mse"]} for row in rows]
    places = list(dict.fromkeys((row["model"], row["set"]) for row in values))
    cases = [judge(values, model, name) for model, name in places]
    said = [f"{model} on {name}: {line(values, model, name)}" for model, name in places]
    vit = {stance: median(values, "ViT", "cifar10", stance, "normalised_mse") for stance in STANCES}
    head = f"{sum(case.holds for case in cases)} of {len(cases)} networks and sets hold in full; "
    return Outcome(
        head + "; ".join(said), verdict(vit["solve"], vit["ignore"], cases), values, pictures.words(setting, "victims")
    )


def verdict(solve: float, ignore: float, cases: list[Case]) -> Verdict:
    """From median MSEs in normalised units on the ViT with CIFAR-10, and what holds on every network and set.

    Whole: ignoring fails, solving succeeds and is nearly as good as being told on all of them, and on that ViT solving
    reaches 0.03 and is 100 times below ignoring. Part: ignoring fails and solving succeeds on at least half of them.
    """
    held = [case.holds for case in cases]
    part = [case.fails and case.succeeds for case in cases]
    return judged(solve <= 0.03 and ignore > 100 * solve and all(held), 2 * sum(part) >= len(part))


def judge(values: list[JSON], model: str, name: str) -> Case:
    """Returns what holds, by the median likeness of each stance and the median PSNR of solving and being told."""
    seen = {stance: median(values, model, name, stance, "likeness") for stance in STANCES}
    psnr = {stance: median(values, model, name, stance, "psnr") for stance in STANCES}
    return compare(seen, psnr)


def compare(seen: Mapping[str, float], psnr: Mapping[str, float]) -> Case:
    """Returns what holds of the median likeness and PSNR by stance."""
    border = SEEN["recognisable"]
    near = psnr["solve"] >= min(psnr["told"] - NEAR, PLENTY)
    return Case(seen["ignore"] < border, seen["solve"] >= border, near)


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields every run, the longest first."""
    if not setting.quick:
        for (model, name), base in LARGE.items():
            yield from stances(base, {"set": name, "model": model}, "", Setting(), LARGE_COUNT)
    for model, base in BASES.items():
        for name, shape in SETS.items():
            head, count = {"set": name, "model": model}, setting.count(COUNTS[model], 1)
            yield from stances(replace(base, **shape), head, name, setting, count)  # type: ignore[arg-type]


def stances(base: Experiment, head: JSON, name: str, setting: Setting, count: int) -> Iterator[tuple[JSON, Experiment]]:
    """Yields a run for each row and victim; a set without a name is of samples."""
    for stance in reversed(ROWS):
        steps = min(setting.count(base.attack.steps, 60), MOST.get(stance, base.attack.steps))  # type: ignore[attr-defined]
        attack = replace(base.attack, stance=STANCES.get(stance, Ignore()), steps=steps)  # type: ignore[type-var]
        one = replace(base, attack=attack, defences=() if stance == PLAIN else base.defences)
        for experiment in pictures.each(setting, one, name, count):
            yield head | {"stance": stance}, experiment


def chosen(values: list[JSON], model: str, name: str, stance: str, key: str) -> list[float]:
    return [row[key] for row in values if (row["model"], row["set"], row["stance"]) == (model, name, stance)]


def median(values: list[JSON], model: str, name: str, stance: str, key: str) -> float:
    return statistics.median(chosen(values, model, name, stance, key))


def line(values: list[JSON], model: str, name: str) -> str:
    return ", ".join(
        f"{stance} {spread(chosen(values, model, name, stance, 'normalised_mse'), '.3g')}" for stance in ROWS
    )


CLAIM = Claim(
    title="Dropout inversion",
    paper=papers.DROPOUT_INVERSION,
    sentence="Attacks that ignore the client's dropout fail; solving for the masks with the image succeeds, nearly as "
    "well as being told them.",
    setup="Untrained networks, one image, label known. The first victims of CIFAR-10 and of MNIST: ten on the MLP, "
    "five on the LeNet, two on the ViT and on a ResNet-20 of width 4; and two samples of 224 pixels on the ViT with "
    "patches of 16 and on ResNet-18. "
    "Dropout of rate 0.25 (ViT: 0.5), inside and before the classifier of MLP and ViT, before it alone elsewhere. 400 "
    "iterations on the MLP, 600 on both ResNets, 1,500 with two restarts on the LeNet "
    "(L-BFGS on the squared distance), and for solving on the ViT 8,000 (224 pixels: 3,000), where the other stances "
    "get 1,500, about where those of the authors were at their best. MSE in normalised units of (x - 0.5) / 0.25: the "
    "median, quartiles and number of victims. The mean colour of a picture of CIFAR-10 scores "
    f"{UNITS * 10 ** (-floors.PSNR / 10):.2f}. Recognisable is a median likeness of {SEEN['recognisable']}, nearly as "
    "well within 6 dB of being told or above 40 dB.",
    theirs="ViT on CIFAR-10 with rate 0.5, three images of the authors' notebook: ignore 3.4-3.7, told 0.003-0.007, "
    "solve 0.010-0.014",
    refuted_by="On more than half of the networks and sets, ignoring that shows the picture, or solving that does not.",
    account="At 32 and 28 pixels solving shows the picture on all networks, and ignoring shows nothing on the LeNet, "
    "ResNet-20 and the ViT. On the MLP a quarter of the units missing hides little, and ignoring shows the picture, "
    "too. On the LeNet and the ViT solving stays 17 to 36 dB behind being told, which goes on to 49 to 97 dB where no "
    "goal ends it early; on ResNet-20 it is not behind. At 224 pixels the iterations are too few: the ViT shows the "
    "picture to the told attacker alone, ResNet-18 to none, without dropout either. On the MLP and the ViT no search "
    "is needed: see linear_first_layer and april_patches.",
    live=BASES["MLP"],
    halves=(
        "attack.stance=ignore",
        "attack.stance=told",
    ),
    floor="The mean colour of a picture has 14.4 dB on CIFAR-10, 10.6 on MNIST and 13.1 on the samples.",
    figure=draw_psnr(("model", "set", "stance"), floor=False),
    measure=measure,
)
