"""Each term of GradInversion adds to the quality of a batch's images."""

from __future__ import annotations

import statistics
from dataclasses import replace
from itertools import pairwise
from typing import Any

from benchmarks.claims import papers, pictures, victim
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.priors import BatchStatistics, Energy, Group, Prior, TotalVariation
from gradleak_core.client import ClientStep
from gradleak_core.experiment import Experiment
from gradleak_core.models.resnet20 import ResNet20
from gradleak_core.presets import recipe
from gradleak_core.threat import ThreatModel

JSON = Any
DEFAULT = recipe("gradinversion")
ATTACK = replace(
    DEFAULT,
    priors=(TotalVariation(30, early=30), Energy(1e-3), BatchStatistics(1.0), Group(0.3, registered=True)),
    optimiser=replace(DEFAULT.optimiser, lr=0.05, noise=0.05),  # type: ignore[call-arg]
)
"""Weights for a match that starts in the tens, as it does on these trained weights."""
EPOCHS, STEPS = 1, 600
FIDELITY: tuple[Prior, ...] = tuple(p for p in ATTACK.priors if isinstance(p, (TotalVariation, Energy)))
STATISTICS: tuple[Prior, ...] = tuple(p for p in ATTACK.priors if isinstance(p, BatchStatistics))
[GROUP] = (p for p in ATTACK.priors if isinstance(p, Group))
TERMS: dict[str, tuple[Prior, ...]] = {
    "gradient": (),
    "+ fidelity": FIDELITY,
    "+ batch statistics": FIDELITY + STATISTICS,
    "+ group": (*FIDELITY, *STATISTICS, replace(GROUP, registered=False)),
    "+ registration": (*FIDELITY, *STATISTICS, GROUP),
}
BASE = Experiment(model=ResNet20(), client=ClientStep(train=True), attack=ATTACK, threat=ThreatModel(statistics="told"))


def measure(setting: Setting) -> Outcome:
    why = victim.missing(setting)
    base = BASE if why else victim.trained(BASE, setting, EPOCHS)
    own, values = pictures.of(setting, "cifar10"), []
    for name, priors in TERMS.items():
        attack = replace(ATTACK, priors=priors, steps=setting.count(STEPS, 40))
        values += rows(replace(base, attack=attack), {"terms": name, "statistics": "told"}, own)
    running = replace(base, attack=replace(ATTACK, steps=setting.count(STEPS, 40)), threat=ThreatModel())
    values += rows(running, {"terms": "+ registration", "statistics": "unknown"}, own)
    means = {name: mean(values, name, "told") for name in TERMS}
    ours = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    ours += (
        f" dB; with the running statistics instead of the batch's {mean(values, '+ registration', 'unknown'):.2f} dB"
    )
    ours += f"; the weights are untrained: {why}" if why else ""
    return Outcome(ours, verdict(list(means.values())), values, pictures.words(setting, "cifar10"))


def rows(base: Experiment, head: JSON, setting: Setting) -> list[JSON]:
    found = []
    for experiment in pictures.batches(setting, base, setting.count(2, 1), 4, "different"):
        one = replace(experiment, seed=base.seed) if base.weights != Experiment().weights else experiment
        result = play(one, setting.device, 15 if setting.quick else 600)
        found.append(head | {"seed": experiment.seed, "iterations": result["iterations"]} | result["metrics"])
    return found


def mean(values: list[JSON], terms: str, told: str) -> float:
    return statistics.mean(row["psnr"] for row in values if (row["terms"], row["statistics"]) == (terms, told))


def verdict(means: list[float]) -> Verdict:
    """From mean PSNRs as terms are added. Whole: each one adds. Part: all are 1 dB above the gradient alone."""
    return judged(all(b > a for a, b in pairwise(means)), means[-1] >= means[0] + 1)


CLAIM = Claim(
    title="GradInversion's terms",
    paper=papers.GRADINVERSION,
    sentence="Fidelity, batch statistics and group consistency, lazy and registered, each add to the quality.",
    setup="ResNet-20 trained for one epoch on CIFAR-10 pictures, the client in train mode, two batches of four with "
    "different labels, found by the row minimum; four seeds, 600 iterations; the batch's own statistics told. "
    "Mean PSNR.",
    theirs="ResNet-50, batch 8: 10.75, 12.06 (with batch statistics), 12.52 (group), 12.93 dB (registered)",
    refuted_by="All terms together less than 1 dB above the gradient alone.",
    account="Fidelity and the batch's statistics add what the paper saw (there 1.3 dB for the statistics), and shapes "
    "come back where the gradient alone gives noise; running statistics in their place are worth nothing. The group "
    "adds nothing: the seeds agree already. After 20 epochs of training nothing came back with any weights tried.",
    live=replace(
        BASE,
        images=("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee"),
        attack=replace(ATTACK, steps=STEPS),
    ),
    measure=measure,
)
