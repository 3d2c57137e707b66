"""A picture of ImageNet's size comes back from the update of a deep network."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.whole import play_all
from benchmarks.setting import SEED, Setting
from gradleak_core.data.samples import SAMPLES
from gradleak_core.experiment import Experiment
from gradleak_core.models import Model
from gradleak_core.models.resnet18 import ResNet18
from gradleak_core.models.vit import ViT
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import SEEN, recognisable

JSON = Any
ATTACK = find_recipe("inverting_gradients")
MODELS: dict[str, tuple[Model, int]] = {"ResNet-18": (ResNet18(), 500), "ViT": (ViT(patch=16), 500)}
"""Each network and its iterations."""
SIZE, COUNT = 224, 6


def measure(setting: Setting) -> Outcome:
    values = play_all(runs(setting), setting)
    shares = {name: share(values, name) for name in MODELS}
    ours = "recognisable " + ", ".join(f"{name} {value:.0%}" for name, value in shares.items())
    return Outcome(ours, verdict(shares), values, "the samples")


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields one run for every network and sample."""
    names = list(SAMPLES)[: setting.count(COUNT, 1)]
    for title, (model, steps) in MODELS.items():
        attack = replace(ATTACK, steps=setting.count(steps, 5))
        for number, name in enumerate(names):
            base = Experiment(images=(f"sample:{name}",), size=SIZE, model=model, attack=attack, seed=SEED + number)
            yield {"model": title, "image": name}, base


def share(values: list[JSON], model: str) -> float:
    """Returns how many of a network's pictures are recognisable, as a share."""
    return statistics.mean(recognisable(row) for row in values if row["model"] == model)


def verdict(shares: dict[str, float]) -> Verdict:
    """From the share of recognisable pictures by network. Whole: at least half on both. Part: some on one of them."""
    return judged(min(shares.values()) >= 0.5, max(shares.values()) > 0)


CLAIM = Claim(
    title="Inverting Gradients at 224 pixels",
    paper=papers.INVERTING_GRADIENTS,
    sentence="A single picture of ImageNet's size comes back recognisably from the gradient of a deep network.",
    setup="Six samples at 224 x 224 pixels, untrained ResNet-18 and ViT with patches of 16, 500 iterations (the "
    "paper's program 24,000), eval mode, label known, one restart. The paper shows trained networks too; no "
    "weights trained on ImageNet are at hand here.",
    theirs="in pictures; a later program of the authors: trained ResNet-18 14.2 dB, SSIM 0.40, one picture",
    refuted_by="No recognisable picture on either network.",
    live=Experiment(model=ResNet18(), size=64, attack=replace(ATTACK, steps=300)),
    live_gpu=Experiment(model=ResNet18(), size=SIZE, attack=replace(ATTACK, steps=2000)),
    figure=Figure("Likeness", {"": "likeness"}, ("model",), floor=SEEN["recognisable"], floor_name="recognisable"),
    measure=measure,
)
