"""On a ResNet the cosine with signed Adam recovers images where the squared distance with L-BFGS does not."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures, victim
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_psnr
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.experiment import Experiment
from gradleak_core.models.resnet20 import ResNet20
from gradleak_core.presets import find_recipe

JSON = Any
ATTACKS = {
    "cosine": replace(find_recipe("inverting_gradients"), steps=600),
    "squared": replace(find_recipe("dlg"), labels=KnownLabels(), steps=300),
}
COUNTS = {"cosine": 50, "squared": 25}
EPOCHS = 20
QUICK = 200
"""Iterations with --quick."""
LEAST = {"untrained": 19.83 - 2.96, "trained": 13.95 - 3.38}
"""The paper's mean PSNR of the cosine less its deviation, dB."""


def measure(setting: Setting) -> Outcome:
    base, why = Experiment(model=ResNet20(width=setting.count(4, 1))), victim.missing(setting)
    phases = {"untrained": base} | ({} if why else {"trained": victim.trained(base, setting, setting.count(EPOCHS, 1))})
    values = play_all(runs(phases, pictures.of(setting, "cifar10")), setting, 20 if setting.quick else math.inf)
    means = {phase: (mean(values, phase, "cosine"), mean(values, phase, "squared")) for phase in phases}
    ours = "; ".join(
        f"{phase}: cosine {cosine:.1f}, squared {other:.1f} dB" for phase, (cosine, other) in means.items()
    )
    ours += f"; the trained half was left out: {why}" if why else ""
    return Outcome(ours, verdict(means), values, pictures.words(setting, "cifar10"))


def runs(phases: dict[str, Experiment], setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields every run of both attacks, with fresh weights for each image unless they are trained."""
    for phase, base in phases.items():
        for name, attack in ATTACKS.items():
            shorter = replace(attack, steps=setting.count(attack.steps, QUICK))
            for _, one in setting.experiments(replace(base, attack=shorter), setting.count(COUNTS[name], 2)):
                seed = base.seed if phase == "trained" else one.seed
                yield {"phase": phase, "attack": name, "image": one.seed}, replace(one, seed=seed)


def verdict(means: dict[str, tuple[float, float]]) -> Verdict:
    """From the means of cosine and squared by phase. A phase holds when the cosine reaches the paper's mean less its
    deviation and leads by 5 dB. Whole: both phases hold. Part: the cosine leads in every phase that was tried."""
    holds = [phase in means and means[phase][0] >= LEAST[phase] and leads(means[phase], 5) for phase in LEAST]
    return judged(all(holds), all(leads(pair) for pair in means.values()))


def leads(pair: tuple[float, float], margin: float = 0) -> bool:
    return pair[0] - pair[1] > margin


def mean(values: list[JSON], phase: str, attack: str) -> float:
    return statistics.mean(row["psnr"] for row in values if (row["phase"], row["attack"]) == (phase, attack))


CLAIM = Claim(
    title="Inverting Gradients on a ResNet",
    paper=papers.INVERTING_GRADIENTS,
    sentence="On a ReLU ResNet, matching the gradient's direction with signed Adam recovers CIFAR-10 images, untrained "
    "and, worse, trained, while the squared distance with L-BFGS finds next to nothing.",
    setup="ResNet-20 four times as wide as usual, as in the paper, eval mode, label known, mean PSNR. "
    "Cosine: 50 images, one restart of 600 iterations (the paper: 100 images, 4,800), its answer the iterate of "
    "smallest distance; squared: the first 25 of them, 300 evaluations of L-BFGS. Trained: 20 epochs of Adam.",
    theirs="untrained: cosine 19.83 ± 2.96, squared 10.29 ± 5.38 dB; trained: 13.95 ± 3.38, 6.90 ± 2.80 dB",
    refuted_by="A mean PSNR of the cosine that is not above that of the squared distance.",
    account="Untrained, the sentence holds. On trained weights neither shows anything: 10.2 and 9.7 dB lie below the "
    "14.4 dB of a picture's mean colour, as the paper's 13.95 does; here is an eighth of its iterations.",
    live=Experiment(images=("sample:chelsea",), model=ResNet20(), attack=ATTACKS["cosine"]),
    live_gpu=Experiment(images=("sample:chelsea",), model=ResNet20(width=4), attack=ATTACKS["cosine"]),
    halves=("attack=dlg&attack.labels=known_labels",),
    figure=draw_psnr(("phase", "attack")),
    measure=measure,
)
