"""Solving for dropout masks together with the image, against ignoring, guessing and being told them."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.whole import play
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

JSON = Any
STANCES: dict[str, Stance] = {"ignore": Ignore(), "guess": Guess(), "told": Told(), "solve": Solve()}
ATTACK = find_recipe("dropout_inversion")
SMOOTH = replace(ATTACK, distance=Squared(), unknowns=(Pixels(),), priors=(KeepRate(),), optimiser=LBFGS())
DEEP = replace(ATTACK, priors=(TotalVariation(1e-2, early=20), KeepRate()), optimiser=Adam(lr=0.4, schedule="cosine"))
EVERYWHERE = Dropout(p=0.25, place="both")
BASES = {
    "MLP": Experiment(model=MLP(512, 3, "gelu", bias=False), defences=(EVERYWHERE,), attack=replace(ATTACK, steps=400)),
    "LeNet": Experiment(model=LeNet(), defences=(Dropout(p=0.25),), attack=replace(SMOOTH, steps=2000)),
    "ResNet-20": Experiment(model=ResNet20(), defences=(Dropout(p=0.25),), attack=replace(DEEP, steps=600)),
    "ViT": Experiment(
        model=ViT(),
        defences=(Dropout(p=0.5, place="both"),),
        attack=replace(ATTACK, steps=8000, optimiser=Adam(lr=0.2, schedule="cosine")),
    ),
}
LARGE = replace(BASES["ResNet-20"], model=ResNet18(), size=224, attack=replace(DEEP, steps=30))
SETS = {"cifar10": {"channels": 3, "size": 32}, "mnist": {"channels": 1, "size": 28}}
COUNTS = {"ViT": 1, "ResNet-20": 1}
"""Victims of each set, where not two."""
HOPELESS = 300
"""Iterations for those who ignore or guess, which do not converge."""
UNITS = 16
"""Squared size of a normalised unit: pixels are mapped to (x - 0.5) / 0.25."""


def measure(setting: Setting) -> Outcome:
    values: list[JSON] = []
    for name, shape in SETS.items():
        for model, base in BASES.items():
            values += rows(replace(base, **shape), {"set": name, "model": model}, name, setting)  # type: ignore[arg-type]
    if not setting.quick:
        one = Setting(device=setting.device)
        values += rows(LARGE, {"set": "samples, 224 pixels", "model": "ResNet-18"}, "", one, 1)
    said = [f"{model} on {name}: {line(values, name, model)}" for name in SETS for model in BASES]
    vit = {stance: median(values, "cifar10", "ViT", stance) for stance in STANCES}
    best = [
        median(values, name, model, "solve") < median(values, name, model, "ignore") for name in SETS for model in BASES
    ]
    return Outcome(
        "; ".join(said), verdict(vit["solve"], vit["ignore"], best), values, pictures.words(setting, "victims")
    )


def verdict(solve: float, ignore: float, better: list[bool]) -> Verdict:
    """From median MSEs in normalised units. Whole: on the ViT with CIFAR-10 solving reaches 0.03 and is 100 times below
    ignoring, and it is better on every network and set. Part: better on at least half of them."""
    return judged(solve <= 0.03 and ignore > 100 * solve and all(better), 2 * sum(better) >= len(better))


def rows(base: Experiment, head: JSON, name: str, setting: Setting, count: int | None = None) -> list[JSON]:
    """One row a stance and image."""
    found = []
    for stance, value in STANCES.items():
        steps = setting.count(base.attack.steps, 60)  # type: ignore[attr-defined]
        steps = steps if stance in ("told", "solve") else min(steps, HOPELESS)
        attack = replace(base.attack, stance=value, steps=steps)  # type: ignore[type-var]
        for experiment in pictures.each(
            setting, replace(base, attack=attack), name, count or setting.count(COUNTS.get(head["model"], 2), 1)
        ):
            result = play(experiment, setting.device, 10 if setting.quick else 1500)
            mse = UNITS * result["metrics"]["mse"]
            row = {"stance": stance, "seed": experiment.seed, "iterations": result["iterations"], "normalised_mse": mse}
            found.append(head | row | result["metrics"])
            print(f"  {head} {row}", flush=True)
    return found


def median(values: list[JSON], name: str, model: str, stance: str) -> float:
    chosen = [r for r in values if (r["set"], r["model"], r["stance"]) == (name, model, stance)]
    return statistics.median(row["normalised_mse"] for row in chosen)


def line(values: list[JSON], name: str, model: str) -> str:
    return ", ".join(f"{stance} {median(values, name, model, stance):.3g}" for stance in STANCES)


CLAIM = Claim(
    title="Dropout inversion",
    paper=papers.DROPOUT_INVERSION,
    sentence="Attacks that ignore the client's dropout fail; solving for the masks with the image succeeds, nearly as "
    "well as being told them.",
    setup="MLP, LeNet, ResNet-20 and ViT, untrained, one image, label known, dropout of rate 0.25 (ViT: 0.5) in the "
    "places of each, one (ResNet, ViT) or two victims of CIFAR-10 and MNIST, one of 224 pixels on ResNet-18; median "
    "MSE in normalised units of (x - 0.5) / 0.25. LeNet by L-BFGS on the squared distance. 60 iterations with --quick.",
    theirs="ViT on CIFAR-10 with rate 0.5: ignore 3.4-3.7, told 0.003-0.007, solve 0.010-0.014",
    refuted_by="Solving that is no better than ignoring.",
    live=BASES["MLP"],
    account="On the LeNet L-BFGS found the masks of one victim of "
    "CIFAR-10 and not of the other; on the ResNet-20 600 iterations are too few even for an attacker who is "
    "told the masks.",
    halves=(
        "attack.stance=ignore",
        "attack.stance=told",
    ),
    figure=draw_psnr(("stance",), floor=False),
    measure=measure,
)
