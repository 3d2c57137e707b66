"""How often each label occurs in a batch follows from the last layer's gradient, repeats included."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import torch
from torch import nn

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.setting import SEED, Setting
from gradleak_core.attacks.parts.labels import InstanceWise, LabelCounts, tally
from gradleak_core.client import observe
from gradleak_core.data.images import load_image
from gradleak_core.experiment import Experiment
from gradleak_core.models import MODELS, build
from gradleak_core.presets import find_recipe
from gradleak_core.types import ClientStep, Observation, Secret

JSON = Any
NETWORKS = ("lenet", "convnet", "mlp")
SIZES = (8, 16, 32, 64, 128)
CLASSES, SIDE = 10, 32


class BiasAlone:
    """The bias rule without the mean prediction, for comparison: each picture of class n lowers entry n by 1 / K."""

    def read(self, model: nn.Module, seen: Observation) -> torch.Tensor:
        return tally(-seen.update["classifier.bias"], seen.step.weights(seen.batch))[0]


RULES = {
    "sums": LabelCounts(bias=False),
    "sums_pink": LabelCounts(bias=False, noise="pink"),
    "bias": LabelCounts(),
    "bias_pink": LabelCounts(noise="pink"),
    "greedy": BiasAlone(),
    "ilrg": InstanceWise(),
}
NAMES = {
    "sums": "row sums", "sums_pink": "row sums, pink probes", "bias": "the bias's gradient",
    "bias_pink": "the bias's gradient, pink probes", "greedy": "the bias alone", "ilrg": "iLRG",
}  # fmt: skip


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    seeds = range(SEED, SEED + setting.count(50, 4))
    values = []
    for seed in seeds:
        x, y = (part.to(setting.device) for part in batch(own, max(SIZES), seed))
        values += [read(model, Secret(x[:size], y[:size], {}), seed) for model in NETWORKS for size in SIZES]
    exact = {(m, k, rule): share(values, m, k, rule) for m in NETWORKS for k in SIZES for rule in RULES}
    shares = {rule: [exact[m, k, rule] for m in NETWORKS for k in SIZES] for rule in RULES}
    said = [f"{NAMES[rule]}: {'; '.join(summary(exact, model, rule) for model in NETWORKS)}" for rule in RULES]
    right = [f"{NAMES[rule]} {labels_right(values, rule):.1%}" for rule in RULES]
    ours = (
        f"batches without error, K = {'/'.join(map(str, SIZES))}: {'. '.join(said)}. Labels right: {', '.join(right)}"
    )
    return Outcome(ours, verdict(shares["sums"], shares["bias"]), values, pictures.words(setting, "cifar10"))


def verdict(sums: list[float], bias: list[float]) -> Verdict:
    """From the shares of batches counted without any error, by network and size. Whole: the paper's rule has 95 % in
    every cell. Part: it has in at least half of them, or its form for the bias has in every cell."""
    enough = [share >= 0.95 for share in sums]
    return judged(all(enough), 2 * sum(enough) >= len(enough) or min(bias) >= 0.95)


def summary(exact: JSON, model: str, rule: str) -> str:
    return f"{model} {'/'.join(f'{100 * exact[model, k, rule]:.0f}' for k in SIZES)} %"


def share(values: list[JSON], model: str, size: int, rule: str) -> float:
    found = [row[f"{rule}_right"] == size for row in values if (row["model"], row["size"]) == (model, size)]
    return sum(found) / len(found)


def labels_right(values: list[JSON], rule: str) -> float:
    """The share of all labels that a rule found."""
    return sum(row[f"{rule}_right"] for row in values) / sum(row["size"] for row in values)


def read(model: str, secret: Secret, seed: int) -> JSON:
    """How many labels each rule found of one batch."""
    network = build(MODELS[model](), (3, SIDE, SIDE), CLASSES, seed=seed).to(secret.images.device)
    seen = observe(network, secret, ClientStep(), (), classes=CLASSES, seed=seed)
    row: JSON = {"model": model, "size": len(secret.labels), "seed": seed}
    for name, rule in RULES.items():
        guess = rule.read(network, seen)
        row[f"{name}_right"] = 0 if guess is None else found(guess, secret.labels)
    return row


def found(guess: torch.Tensor, labels: torch.Tensor) -> int:
    return (Counter(guess.tolist()) & Counter(labels.tolist())).total()


def batch(
    setting: Setting, size: int, seed: int, side: int = SIDE, channels: int = 3
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (K, C, H, W) and labels (K,), drawn with repeats."""
    dice = random.Random(seed)
    drawn = [setting.pick(dice) for _ in range(size)]
    images = torch.cat([load_image(reference, side, channels)[0] for reference, *_ in drawn])
    return images, torch.tensor([label for _, _, label, _ in drawn])


CLAIM = Claim(
    title="Counting repeated labels",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="From one update of an untrained network, how often every label occurs in the batch can be counted, "
    "repeats included, with predictions and features estimated on random inputs.",
    setup="LeNet, ConvNet and MLP as they are drawn by default, 10 classes, batches of 8 to 128 images drawn at random "
    "with their own labels; a batch counts when every label is right. The rules that need a mean prediction measure it "
    "on 256 random pictures: white noise, or pink, which is smooth as photographs are. iLRG needs none.",
    theirs="in words only: exact or nearly so on untrained networks",
    refuted_by="Fewer than 95 % of the batches exact in more than half of the combinations of network and batch size, "
    "and in any of them with the bias in place of the row sums.",
    live=Experiment(
        images=("sample:astronaut", "sample:camera", "sample:chelsea"),
        attack=find_recipe("general_deep_leakage"),
    ),
    account="Nearly every label is right, but one that is not spoils a batch. The rule takes the features' sum from "
    "random noise; those of pictures are smaller and vary by a third from one to the next on ConvNet and MLP, so that "
    "an exact count would be luck. The bias's gradient needs no such sum and counts nearly all batches exactly there. "
    "On the LeNet, whose weights are large, noise predicts other classes than pictures do, which either form inherits.",
    floor="A guess of equally many of each class has 57 % of eight labels right, and 89 % of 128.",
    halves=("attack.labels=bias_rule",),
    figure=Figure(
        "Labels right",
        {NAMES[rule]: f"{rule}_right" for rule in ("sums", "sums_pink", "bias", "bias_pink", "ilrg")},
        ("model",),
        over="size",
    ),
    measure=measure,
)
