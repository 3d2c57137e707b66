"""Counts from each class's own features, beside counts by a mean prediction that is left out or measured on noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import nn

from benchmarks.claims import papers, pictures, victim
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.geng_counts import BiasAlone, batch, found
from benchmarks.setting import SEED, Setting
from gradleak_core.attacks.parts.labels import BiasRule, InstanceWise
from gradleak_core.client import observe
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.models import MODELS, build
from gradleak_core.presets import find_recipe
from gradleak_core.types import ClientStep, Secret

JSON = Any
PROBES = 64
RULES = {
    "iLRG": InstanceWise(),
    "bias without p": BiasAlone(),
    "bias, white": BiasRule(PROBES, "white"),
    "bias, pink": BiasRule(PROBES, "pink"),
}
NETWORKS = ("lenet", "convnet", "resnet20")
STATES = ("untrained", "trained")
SIZES = (8, 24)
BASE = Experiment(size=28, channels=1)


def measure(setting: Setting) -> Outcome:
    own, values, why = pictures.of(setting, "mnist"), [], victim.missing(setting)
    seeds = range(SEED, SEED + setting.count(30, 4))
    batches = [[part.to(setting.device) for part in batch(own, max(SIZES), seed, BASE.size, 1)] for seed in seeds]
    for name in NETWORKS:
        for state in STATES if why is None else STATES[:1]:
            networks = victims(name, state, setting, seeds)
            for seed, network, (x, y) in zip(seeds, networks, batches, strict=True):
                values += [read(network, Secret(x[:k], y[:k], {}), seed, name, state) for k in SIZES]
    texts = [summary(values, state) for state in STATES if any(row["state"] == state for row in values)]
    ours = f"labels right, K = 8 and 24. {' '.join(texts)}"
    ours += f" Trained weights were left out: {why}" if why else ""
    least = [min((share(values, n, s, k) for n in NETWORKS for k in SIZES), default=0.0) for s in STATES]
    return Outcome(ours, verdict(*least), values, pictures.words(setting, "mnist"))


def verdict(untrained: float, trained: float) -> Verdict:
    """From iLRG's lowest share of labels over networks and sizes. Whole: 99 % untrained, and on trained ones as much as
    the paper's trained ResNet-18. Part: one of the two."""
    return judged(untrained >= 0.99 and trained >= 0.67, untrained >= 0.99 or trained >= 0.67)


def victims(name: str, state: str, setting: Setting, seeds: range) -> Iterator[nn.Module]:
    """Yields a network for each seed: other weights each time, or one that was trained."""
    model = MODELS[name]()
    if state == "trained":
        trained = victim.trained(replace(BASE, model=model), setting, 2, "mnist")
        network = prepare_both(trained, setting.device).model
    for seed in seeds:
        shape = (BASE.channels, BASE.size, BASE.size)
        yield network if state == "trained" else build(model, shape, BASE.classes, seed=seed).to(setting.device)


def read(network: nn.Module, secret: Secret, seed: int, name: str, state: str) -> JSON:
    """How many labels each rule found of one batch."""
    seen = observe(network, secret, ClientStep(), (), classes=BASE.classes, seed=seed)
    row: JSON = {"model": name, "state": state, "size": len(secret.labels), "seed": seed}
    for rule, labels in RULES.items():
        guess = labels.read(network, seen)
        row[rule] = 0 if guess is None else found(guess, secret.labels)
    return row


def summary(values: list[JSON], state: str) -> str:
    """The shares of every rule, by network and size."""

    def cell(rule: str, name: str) -> str:
        return "/".join(f"{100 * share(values, name, state, size, rule):.1f}" for size in SIZES)

    lines = [f"{rule} {', '.join(cell(rule, name) for name in NETWORKS)}" for rule in RULES]
    return f"{state.capitalize()} {', '.join(NETWORKS)}: {'; '.join(lines)} %."


def share(values: list[JSON], model: str, state: str, size: int, rule: str = "iLRG") -> float:
    """The share of labels found, 0 where nothing was tried."""
    rows = [row[rule] for row in values if (row["model"], row["state"], row["size"]) == (model, state, size)]
    return float(sum(rows) / (size * len(rows))) if rows else 0.0


CLAIM = Claim(
    title="Counts from each class's features",
    paper=papers.ILRG,
    sentence="The rows of the last layer's gradient over its bias's tell the features of each class, from which every "
    "label of a batch can be counted, repeats included; exactly on untrained networks, often on trained ones.",
    setup="LeNet, ConvNet and ResNet-20 as they are drawn by default and after two epochs on 4,000 pictures of MNIST; "
    "30 batches of 8 and of 24 pictures drawn at random, untrained weights drawn anew for each. Beside it the bias "
    "rule without a mean prediction and with one measured on 64 pictures of white or of pink noise.",
    theirs="untrained LeNet-5 on CIFAR-100, K = 24 to 256: 100 % of the labels; ResNet-18 after 10 and 100 epochs, "
    "K = 24: 67.8 and 30.1 % (the authors' logs)",
    refuted_by="Fewer than 99 % of the labels on an untrained network, and fewer than 67 % on a trained one.",
    live=Experiment(
        images=("sample:astronaut", "sample:camera", "sample:chelsea"),
        attack=replace(find_recipe("general_deep_leakage"), labels=InstanceWise()),
    ),
    account="Nearly every label is right on untrained weights, and iLRG is the best rule there; a class that weighs "
    "about as much as it is predicted leaves a row over a bias near 0, which tells no features. After training the "
    "pictures of a class differ in what they are taken for, and a trained network takes noise for one class: the bias "
    "rule then does without a p from noise, and is better than iLRG.",
    halves=(
        "attack.labels=bias_rule",
        "attack.labels=label_counts",
    ),
    floor="A guess of equally many of each class has 57 % of eight labels right, and 75 % of 24.",
    figure=Figure(
        "Labels right", {"iLRG": "iLRG", "bias": "bias, pink"}, ("state", "model"), {"untrained": "new"}, over="size"
    ),
    measure=measure,
)
