"""PPP needs less perturbation than noise on everything, for the same protection against the bypass."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_ssim
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core import pricing
from gradleak_core.defences import Defence
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.partial_perturbation import PartialPerturbation
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.models.mlp import MLP
from gradleak_core.presets import find_recipe
from gradleak_core.types import Note

JSON = Any
GRID = (1e-4, 1e-3, 1e-2, 1e-1)
HELD = 0.3
"""The SSIM under which the image counts as kept."""
BASE = Experiment(model=MLP(), attack=replace(find_recipe("precode_bypass"), steps=200))


def defence(name: str, std: float) -> Defence:
    return PartialPerturbation(std=std) if name == "PPP" else GaussianNoise(std=std)


def measure(setting: Setting) -> Outcome:
    values = []
    for name in ("PPP", "noise on everything"):
        for std in setting.count(4, 2) and GRID[-setting.count(4, 2) :]:
            values.append(point(name, std, setting))
    needed = {name: first(values, name) for name in ("PPP", "noise on everything")}
    said = [
        f"{row['defence']} {row['std']:g}: SSIM {row['ssim']:.2f}, perturbation {row['perturbation']:.1e}, "
        f"accuracy {row['accuracy']:.0%}"
        for row in values
    ]
    return Outcome("; ".join(said), verdict(*needed.values()), values, pictures.words(setting, "victims/cifar10"))


def point(name: str, std: float, setting: Setting) -> JSON:
    base = replace(BASE, defences=(defence(name, std),))
    experiments = list(pictures.each(setting, base, "cifar10", setting.count(2, 1)))
    limit = 15 if setting.quick else 120
    ssim = statistics.mean(play(experiment, setting.device, limit)["metrics"]["ssim"] for experiment in experiments)
    row = {"defence": name, "std": std, "ssim": ssim, "perturbation": std * share(base, name)}
    return row | {"seed": experiments[0].seed, "accuracy": accuracy(base, setting)}


def share(base: Experiment, name: str) -> float:
    """The share of all parameters whose update is perturbed."""
    sizes = {k: g.numel() for k, g in prepare_both(base).observation.update.items()}
    before = [k for k in sizes if k.startswith("linear")] if name == "PPP" else list(sizes)
    return sum(sizes[k] for k in before) / sum(sizes.values())


def accuracy(base: Experiment, setting: Setting) -> float:
    """On the digits, after federated training under the defence."""
    digits = replace(base, model=MLP(width=128), size=8, channels=1)
    federation = pricing.Federation(rounds=setting.count(200, 20), seeds=1)
    pictures_read = finished(pricing.read_labelled(federation.data, pricing.shape(digits)))
    [right] = pricing.accuracies(digits, pictures_read, federation, setting.device)
    return right


def finished(notes: Any) -> Any:
    """What a generator of notes returns."""
    while True:
        try:
            assert isinstance(next(notes), Note)
        except StopIteration as end:
            return end.value


def first(values: list[JSON], name: str) -> float | None:
    """The least perturbation under which the image is kept."""
    kept = [row["perturbation"] for row in values if row["defence"] == name and row["ssim"] < HELD]
    return min(kept, default=None)


def verdict(partial: float | None, everything: float | None) -> Verdict:
    """From the least perturbation (share of parameters x deviation) that keeps the SSIM under 0.3; None when none did.
    Whole: PPP needs less. Part: both need the same."""
    return judged(
        partial is not None and (everything is None or partial < everything),
        partial is not None and partial == everything,
    )


CLAIM = Claim(
    title="Partial perturbation",
    paper=papers.PPP,
    sentence="PRECODE with noise on the layers before it alone protects against the bypass with less perturbation than "
    "noise on every layer, and does not cost accuracy.",
    setup="Untrained MLP under the bypass for 200 iterations, two victims; noise of deviation 1e-4 to 1e-1 on all "
    "layers, or, with PRECODE, on those before it. Perturbation is the share of perturbed parameters times the "
    "deviation; accuracy is that of a smaller MLP after 200 rounds of federated training on digits.",
    theirs="in words only",
    refuted_by="PPP needing as much or more perturbation for an SSIM under 0.3.",
    live=replace(BASE, defences=(PartialPerturbation(std=1e-2),)),
    account="Its noise is on the MLP's first layer, where linear inversion reads too; see linear_first_layer.",
    halves=("defence=precode&defence=gaussian_noise:std=0.01",),
    figure=draw_ssim(("defence", "std"), {"noise on everything": "all layers", "PPP": "partial"}),
    measure=measure,
)
