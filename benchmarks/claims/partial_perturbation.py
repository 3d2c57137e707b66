"""PPP needs less perturbation than noise on everything, for the same protection against the bypass."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.claims import floors, papers, pictures
from benchmarks.claims.accuracy import train_all
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_ssim
from benchmarks.claims.spread import spread
from benchmarks.claims.whole import play_all
from benchmarks.setting import SEED, Setting
from gradleak_core.defences import Defence
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.partial_perturbation import PartialPerturbation
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.models.mlp import MLP
from gradleak_core.presets import find_recipe
from gradleak_core.pricing import Federation
from gradleak_core.verdicts import RECOGNISABLE_SSIM

JSON = Any
GRID = (0.02, 0.03, 0.045, 0.065, 0.1, 0.14, 0.2)
NONE, BOTTLENECK, PARTIAL, ALL = "no defence", "PRECODE alone", "PPP", "noise on everything"
HELD = 0.3
"""The SSIM under which the image counts as kept."""
LOSS = 0.02
"""The accuracy that a defence may take and still not cost any."""
VICTIMS, TRAININGS, ROUNDS, RATE = 10, 3, 300, 3e-3
BASE = Experiment(model=MLP(), attack=replace(find_recipe("precode_bypass"), steps=200))


def settings(quick: bool) -> list[tuple[str, float, tuple[Defence, ...]]]:
    """Returns each defence's name and deviation, and the defence itself."""
    grid = GRID[-2:] if quick else GRID
    partial = [(PARTIAL, std, (PartialPerturbation(std=std),)) for std in grid]
    everything = [(ALL, std, (GaussianNoise(std=std),)) for std in grid]
    return [(NONE, 0.0, ()), (BOTTLENECK, 0.0, (Precode(),)), *partial, *everything]


def measure(setting: Setting) -> Outcome:
    rows = play_all(attacks(setting), setting, 15 if setting.quick else math.inf)
    learnt = train_all(trainings(setting), setting, Federation(rounds=setting.count(ROUNDS, 20), lr=RATE))
    shares = {name: share(name) for name in (NONE, BOTTLENECK, PARTIAL, ALL)}
    values = [row | extra(row, learnt, shares[row["defence"]]) for row in rows]
    places = list(dict.fromkeys((row["defence"], row["std"]) for row in values))
    partial, everything = first(values, PARTIAL), first(values, ALL)
    said = [f"least perturbation for a median SSIM under {HELD}: PPP {amount(partial)}, {ALL} {amount(everything)}"]
    said += [line(values, *place) for place in places]
    exposed = min(statistics.median(chosen(values, name, 0.0, "ssim")) for name in (NONE, BOTTLENECK))
    found = verdict(partial, everything, loss(values, partial), exposed)
    return Outcome("; ".join(said), found, values, pictures.words(setting, "victims/cifar10"))


def attacks(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields the run of each defence and victim."""
    for name, std, defences in settings(setting.quick):
        base = replace(BASE, defences=defences)
        for experiment in pictures.each(setting, base, "cifar10", setting.count(VICTIMS, 1)):
            yield {"defence": name, "std": std}, experiment


def trainings(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields the attacked model under each defence, from several first weights."""
    for name, std, defences in settings(setting.quick):
        for number in range(setting.count(TRAININGS, 1)):
            yield {"defence": name, "std": std}, replace(BASE, defences=defences, seed=SEED + number)


def share(name: str) -> float:
    """Returns the share of all parameters whose update is perturbed."""
    if name in (NONE, BOTTLENECK):
        return 0.0
    defence: Defence = PartialPerturbation() if name == PARTIAL else GaussianNoise()
    sizes = {k: g.numel() for k, g in prepare_both(replace(BASE, defences=(defence,))).observation.update.items()}
    before = [k for k in sizes if k.startswith("linear")] if name == PARTIAL else list(sizes)
    return sum(sizes[k] for k in before) / sum(sizes.values())


def extra(row: JSON, learnt: list[JSON], perturbed: float) -> JSON:
    """Returns what else is kept of a run: the perturbation, and all accuracies under the same defence."""
    same = [each for each in learnt if (each["defence"], each["std"]) == (row["defence"], row["std"])]
    ends, halfway = ([each[key] for each in same] for key in ("accuracy", "accuracy_halfway"))
    return {"perturbation": row["std"] * perturbed, "accuracies": ends, "halfway": halfway}


def chosen(values: list[JSON], name: str, std: float, key: str) -> list[Any]:
    return [row[key] for row in values if (row["defence"], row["std"]) == (name, std)]


def first(values: list[JSON], name: str) -> JSON | None:
    """Returns a row of the least perturbation whose median SSIM says that the image is kept."""
    kept = [
        row
        for row in values
        if row["defence"] == name and statistics.median(chosen(values, name, row["std"], "ssim")) < HELD
    ]
    return min(kept, key=lambda row: row["perturbation"], default=None)


def loss(values: list[JSON], partial: JSON | None) -> float | None:
    """Returns the mean accuracy that PPP takes where it first keeps the image."""
    if partial is None:
        return None
    [before, *_] = chosen(values, NONE, 0.0, "accuracies")
    return statistics.mean(before) - statistics.mean(partial["accuracies"])


def verdict(partial: JSON | None, everything: JSON | None, lost: float | None, exposed: float) -> Verdict:
    """From the rows of the least perturbation that keeps the image, None when none did; the accuracy that PPP takes
    there; and the lower of the median SSIMs without noise, with and without PRECODE.

    Whole: without noise the image is recognisable, PPP needs less perturbation than noise on everything, and it takes
    at most 2 points of accuracy. Part: PPP needs less perturbation.
    """
    less = partial is not None and (everything is None or partial["perturbation"] < everything["perturbation"])
    cheap = lost is not None and lost <= LOSS
    return judged(less and cheap and exposed >= RECOGNISABLE_SSIM, less)


def amount(row: JSON | None) -> str:
    return "more than was tried" if row is None else f"{row['perturbation']:.3f} (deviation {row['std']:g})"


def deviation(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def line(values: list[JSON], name: str, std: float) -> str:
    [accuracies, *_] = chosen(values, name, std, "accuracies")
    [halfway, *_] = chosen(values, name, std, "halfway")
    said = f"{name} {std:g}" if std else name
    return (
        f"{said}: SSIM {spread(chosen(values, name, std, 'ssim'), '.2f')}, accuracy {statistics.mean(accuracies):.1%} "
        f"± {deviation(accuracies):.1%} ({statistics.mean(halfway):.1%} half-way)"
    )


CLAIM = Claim(
    title="Partial perturbation",
    paper=papers.PPP,
    sentence="PRECODE with noise on the layers before it alone protects against the bypass with less perturbation than "
    "noise on every layer, and does not cost accuracy.",
    setup="Untrained MLP under the bypass for 200 iterations, ten victims: without a defence, with PRECODE alone, with "
    "noise of deviation 0.02 to 0.2 on all layers, and, with PRECODE, with as much on those before it. SSIM: the "
    f"median, quartiles and number of victims, where the mean colour scores {floors.SSIM:.2f}. Perturbation is the "
    "share of perturbed parameters times the deviation. Accuracy is that of the same MLP, on held-out digits at 32 x "
    "32 pixels, after 300 rounds of federated training under the defence with steps of 0.003: mean and standard "
    "deviation of three seeds. It may cost 2 points.",
    theirs="in words only; the number of images is not known here",
    refuted_by="PPP needing as much or more perturbation for an SSIM under 0.3.",
    live=replace(BASE, defences=(PartialPerturbation(std=0.1),)),
    halves=("defence=none", "defence=precode", "defence=gaussian_noise:std=0.1"),
    figure=draw_ssim(("defence", "std"), {0.0: "", ALL: "all layers"}),
    measure=measure,
)
