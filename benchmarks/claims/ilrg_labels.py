"""Counts from each class's own features, beside counts by a mean prediction that is left out or measured on noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from torch import nn

from benchmarks.claims import papers, pictures, victim
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.geng_counts import BiasAlone, batch, found
from benchmarks.claims.hues import HUNDRED, NAME, make_hues
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


@dataclass(frozen=True)
class Pool:
    """A set of pictures, the batches drawn from it, and the epochs after which a network counts as trained on it."""

    base: Experiment
    sizes: tuple[int, ...]
    epochs: int
    title: str


POOLS = {
    "mnist": Pool(Experiment(size=28, channels=1), (8, 24), 2, "MNIST"),
    NAME: Pool(Experiment(classes=HUNDRED), (24, 64), 10, "100 classes"),
}


def measure(setting: Setting) -> Outcome:
    why, values = victim.missing(setting), []
    owners = {"mnist": setting} | ({} if why else {NAME: make_hues(setting)})
    for name, owner in owners.items():
        values += [{"set": name, **row} for row in read_all(owner, name, STATES if why is None else STATES[:1])]
    judged_on = list(owners)[-1]
    texts = [summary(values, name, state) for name in owners for state in STATES if chosen(values, name, state)]
    ours = f"labels right. {' '.join(texts)}"
    ours += f" Trained weights were left out: {why}" if why else ""
    least = [min((share(rows) for rows in cells(values, judged_on, state)), default=0.0) for state in STATES]
    return Outcome(ours, verdict(*least), values, pictures.words(setting, "mnist", "cifar10"))


def verdict(untrained: float, trained: float) -> Verdict:
    """From iLRG's lowest share of labels over networks and sizes, of 100 classes. Whole: 99 % untrained, and on trained
    ones as much as the paper's trained ResNet-18. Part: one of the two."""
    return judged(untrained >= 0.99 and trained >= 0.67, untrained >= 0.99 or trained >= 0.67)


def read_all(setting: Setting, name: str, states: tuple[str, ...]) -> Iterator[JSON]:
    """Reads every batch of a pool on every network."""
    pool, own = POOLS[name], pictures.of(setting, name)
    seeds = range(SEED, SEED + setting.count(30, 4))
    shape = pool.base.size, pool.base.channels
    batches = [[part.to(setting.device) for part in batch(own, max(pool.sizes), seed, *shape)] for seed in seeds]
    for network, state in product(NETWORKS, states):
        for seed, model, (x, y) in zip(seeds, victims(network, state, setting, name, seeds), batches, strict=True):
            for k in pool.sizes:
                yield {"model": network, "state": state, **read(model, Secret(x[:k], y[:k], {}), seed, pool)}


def victims(network: str, state: str, setting: Setting, name: str, seeds: range) -> Iterator[nn.Module]:
    """Yields a network for each seed: other weights each time, or one that was trained."""
    model, pool = MODELS[network](), POOLS[name]
    if state == "trained":
        trained = victim.trained(replace(pool.base, model=model), setting, setting.count(pool.epochs, 1), name)
        kept = prepare_both(trained, setting.device).model
    for seed in seeds:
        shape = (pool.base.channels, pool.base.size, pool.base.size)
        yield kept if state == "trained" else build(model, shape, pool.base.classes, seed=seed).to(setting.device)


def read(network: nn.Module, secret: Secret, seed: int, pool: Pool) -> JSON:
    """How many labels each rule found of one batch."""
    seen = observe(network, secret, ClientStep(), (), classes=pool.base.classes, seed=seed)
    row: JSON = {"size": len(secret.labels), "seed": seed}
    for rule, labels in RULES.items():
        guess = labels.read(network, seen)
        row[rule] = 0 if guess is None else found(guess, secret.labels)
    return row


def chosen(values: list[JSON], name: str, state: str) -> list[JSON]:
    return [row for row in values if (row["set"], row["state"]) == (name, state)]


def cells(values: list[JSON], name: str, state: str) -> list[list[JSON]]:
    """The rows of a set and state by network and size, in order."""
    keys = list(product(NETWORKS, POOLS[name].sizes)) if chosen(values, name, state) else []
    return [[row for row in chosen(values, name, state) if (row["model"], row["size"]) == key] for key in keys]


def summary(values: list[JSON], name: str, state: str) -> str:
    """The shares of every rule, by network and size."""
    sizes = POOLS[name].sizes

    def line(rule: str) -> str:
        shares = [f"{100 * share(rows, rule):.1f}" for rows in cells(values, name, state)]
        return ", ".join("/".join(shares[i : i + len(sizes)]) for i in range(0, len(shares), len(sizes)))

    lines = "; ".join(f"{rule} {line(rule)}" for rule in RULES)
    return f"{POOLS[name].title}, K = {' and '.join(map(str, sizes))}, {state} {', '.join(NETWORKS)}: {lines} %."


def share(rows: list[JSON], rule: str = "iLRG") -> float:
    """The share of labels found."""
    return float(sum(row[rule] for row in rows) / sum(row["size"] for row in rows))


CLAIM = Claim(
    title="Counts from each class's features",
    paper=papers.ILRG,
    sentence="The rows of the last layer's gradient over its bias's tell the features of each class, from which every "
    "label of a batch can be counted, repeats included; exactly on untrained networks, often on trained ones.",
    setup="LeNet, ConvNet and ResNet-20 as they are drawn by default and trained. MNIST: two epochs on 4,000 pictures, "
    "30 batches each of 8 and 24. 100 classes, which are judged: each of CIFAR-10's in ten turns of its hues, ten "
    "epochs on 10,000 pictures, 30 batches each of 24 and 64. All batches are drawn at random, and untrained weights "
    "anew for each. Beside it the bias rule without a mean prediction and with one measured on 64 pictures of white or "
    "of pink noise.",
    theirs="untrained LeNet-5 on CIFAR-100, K = 24 to 256: 100 % of the labels; ResNet-18 after 10 and 100 epochs, "
    "K = 24: 67.8 and 30.1 % (the authors' logs)",
    refuted_by="Fewer than 99 % of the labels on an untrained network, and fewer than 67 % on a trained one.",
    live=Experiment(
        images=("sample:astronaut", "sample:camera", "sample:chelsea"),
        attack=replace(find_recipe("general_deep_leakage"), labels=InstanceWise()),
    ),
    account="With 100 classes few labels occur twice in a batch, and the sentence holds. With ten they do: pictures of "
    "one class differ in what they are taken for, and of a trained network's labels 38 to 90 % are right. A trained "
    "network takes noise for one class: the bias rule then does without a p from noise, and is better than iLRG.",
    halves=(
        "attack.labels=bias_rule",
        "attack.labels=label_counts",
    ),
    floor="A guess of equally many of each class has 57 % of eight labels right of ten classes and 75 % of 24; of "
    "100 classes, 21 % of 24 and 47 % of 64.",
    figure=Figure("Labels right", {"iLRG": "iLRG", "bias": "bias, pink"}, ("set", "state", "model"), over="size"),
    measure=measure,
)
