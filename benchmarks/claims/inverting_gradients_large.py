"""A picture of ImageNet's size comes back from the update of a deep network."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_likeness
from benchmarks.claims.whole import play_all
from benchmarks.setting import SEED, Setting
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.priors import TotalVariation
from gradleak_core.data.samples import SAMPLES
from gradleak_core.experiment import Experiment
from gradleak_core.models import Model
from gradleak_core.models.resnet18 import ResNet18
from gradleak_core.models.vit import ViT
from gradleak_core.presets import find_recipe
from gradleak_core.verdicts import recognisable

JSON = Any
ATTACK = find_recipe("inverting_gradients")
SMOOTH = replace(ATTACK, priors=(TotalVariation(1.0, early=20),))
"""A hundred times the total variation of pictures of 32 pixels: neighbours differ less in large ones."""
MODELS: dict[str, tuple[Model, Recipe]] = {
    "ResNet-18": (ResNet18(), replace(SMOOTH, steps=1000)),
    "ViT": (ViT(patch=16), replace(ATTACK, steps=1500)),
}
SIZE, COUNT = 224, 6


def measure(setting: Setting) -> Outcome:
    values = play_all(runs(setting), setting)
    shares = {name: share(values, name) for name in MODELS}
    ours = "recognisable " + ", ".join(f"{name} {value:.0%}" for name, value in shares.items())
    return Outcome(ours, verdict(shares), values, "the samples")


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields one run for every network and sample."""
    names = list(SAMPLES)[: setting.count(COUNT, 1)]
    for title, (model, longest) in MODELS.items():
        attack = replace(longest, steps=setting.count(longest.steps, 5))
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
    setup="Six samples at 224 x 224 pixels, untrained ResNet-18 and ViT with patches of 16, eval mode, label known, "
    "one restart: 1,000 iterations on ResNet-18, with a total variation of weight 1 chosen on another sample, and "
    "1,500 on the ViT (the paper's program makes 24,000). The paper shows trained networks too; no weights trained "
    "on ImageNet are at hand here.",
    theirs="in pictures; a later program of the authors: trained ResNet-18 14.2 dB, SSIM 0.40, one picture",
    account="Five of six pictures come back from the ViT. From ResNet-18 a twenty-fourth of the paper's iterations "
    "brings outlines at best; weights trained on ImageNet and more iterations were not tried. On the ViT no search is "
    "needed: see april_patches.",
    refuted_by="No recognisable picture on either network.",
    live=Experiment(model=ResNet18(), size=64, attack=replace(SMOOTH, steps=300)),
    live_gpu=Experiment(model=ResNet18(), size=SIZE, attack=replace(SMOOTH, steps=2000)),
    figure=draw_likeness(("model",)),
    measure=measure,
)
