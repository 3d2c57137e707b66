"""iDLG reads one image's label off the gradient without error, where DLG's optimisation sometimes finds another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.published_dlg import play_published
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import RowSum
from gradleak_core.attacks.parts.unknowns import Pixels
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.presets import find_recipe

JSON = Any
SETS = {"mnist": {"size": 28, "channels": 1}, "cifar10": {"size": 32, "channels": 3}}
DLG = replace(find_recipe("dlg"), unknowns=(Pixels(begin="normal"),))


def measure(setting: Setting) -> Outcome:
    values = []
    for name, shape in SETS.items():
        own = pictures.of(setting, name)
        for _, experiment in own.experiments(replace(Experiment(), **shape), setting.count(1000, 50)):
            values.append(read(name, experiment, setting.device))
        dlg = [({"set": name, "attack": "dlg"}, each) for each in published(own, shape)]
        found = play_all(dlg, setting, 6 if setting.quick else math.inf, how=play_with_labels)
        values += [row | {"right": row["label_accuracy"] == 1} for row in found]
    shares = {(name, attack): share(values, name, attack) for attack in ("dlg", "idlg") for name in SETS}
    ours = "; ".join(f"{a} {n}: {shares[n, a]:.1%} of {runs(values, n, a)}" for n, a in shares)
    least, most = min(shares[n, "idlg"] for n in SETS), max(shares[n, "dlg"] for n in SETS)
    return Outcome(ours, verdict(least, most), values, pictures.words(setting, *SETS))


def published(own: Setting, shape: JSON) -> Iterator[Experiment]:
    """The runs of DLG on one set."""
    for _, experiment in own.experiments(replace(Experiment(attack=DLG), **shape), own.count(100, 3)):
        yield experiment


def play_with_labels(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    """Plays published DLG, which guesses the label with the picture."""
    return play_published(experiment, device, limit)


def verdict(idlg: float, dlg: float) -> Verdict:
    """Whole: iDLG is never wrong and DLG sometimes is, on both sets. Part: iDLG is never wrong."""
    return judged(idlg == 1 and dlg < 1, idlg == 1)


def read(name: str, experiment: Experiment, device: str) -> JSON:
    both = prepare_both(experiment, device)
    guess = RowSum().read(both.model, both.observation)
    right = guess is not None and bool((guess == both.secret.labels).all())
    return {"set": name, "attack": "idlg", "seed": experiment.seed, "right": right}


def share(values: list[JSON], name: str, attack: str) -> float:
    return sum(row["right"] for row in chosen(values, name, attack)) / runs(values, name, attack)


def runs(values: list[JSON], name: str, attack: str) -> int:
    return len(chosen(values, name, attack))


def chosen(values: list[JSON], name: str, attack: str) -> list[JSON]:
    return [row for row in values if (row["set"], row["attack"]) == (name, attack)]


CLAIM = Claim(
    title="iDLG's labels",
    paper=papers.IDLG,
    sentence="For one image, the label follows from the signs of the last layer's gradient and is always right; "
    "DLG, which optimises it together with the image, often ends with another label.",
    setup="Sigmoid LeNet with weights from U(-0.5, 0.5) drawn anew each time, batch of one, MNIST and CIFAR-10 "
    "(the paper has CIFAR-100). DLG as published, with PyTorch's L-BFGS in full steps for 300 steps of up to 20 "
    "evaluations, starts from N(0, 1); 1,000 victims for iDLG and 100 for DLG on each set.",
    theirs="DLG MNIST 89.9 %, CIFAR-100 83.3 %; iDLG 100 % on both, 1,000 runs each",
    refuted_by="A single wrong label of iDLG.",
    live=Experiment(),
    halves=("attack=dlg&attack.unknowns.pixels.begin=normal",),
    figure=Figure("Labels right", {"": "right"}, ("attack", "set"), {"dlg": "DLG", "idlg": "iDLG"}, 1, 0.1, "chance"),
    measure=measure,
)
