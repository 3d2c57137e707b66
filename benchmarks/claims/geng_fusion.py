"""Images of one batch that share their label come back fused: each picture holds a part of all of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.spread import spread
from benchmarks.claims.told import Attacked, attacked
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe

JSON = Any
STEPS, COUNT = 3000, 10
SIZES = (4, 2)
ATTACK = find_recipe("general_deep_leakage")
FUSED = 0.5
"""How fused a picture is from which it counts as fused; an even mixture of the batch has 1, a clean picture 0."""


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    values = play_all(runs(own), own, how=play_mixtures)
    medians = {size: tuple(median(values, size, labels) for labels in ("same", "different")) for size in SIZES}
    ours = "; ".join(f"batches of {size}: {said(values, size)}" for size in SIZES)
    return Outcome(f"how fused: {ours}", verdict(medians), values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields for each size the batches whose labels are the same, then those whose labels differ."""
    base = Experiment(attack=replace(ATTACK, steps=setting.count(STEPS, 300)))
    kinds: tuple[pictures.Labels, ...] = ("same", "different")
    for size, labels in product(SIZES, kinds):
        for experiment in pictures.batches(setting, base, setting.count(COUNT, 2), size, labels):
            yield {"batch": size, "labels": labels}, experiment


def play_mixtures(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    """Returns the metrics of a whole run, and how fused its pictures are."""
    found = attacked(experiment, device, limit)
    return {"metrics": {"fused": fused(found), **found.metrics}}


def verdict(medians: Mapping[int, tuple[float, float]]) -> Verdict:
    """From how fused pictures are by batch size, with the same label and with different ones.

    Whole: at every size fused with the same label and not with different ones. Part: at every size at least 0.1 more
    with the same label.
    """
    whole = all(same >= FUSED > different for same, different in medians.values())
    return judged(whole, all(same >= different + 0.1 for same, different in medians.values()))


def median(values: list[JSON], size: int, labels: str) -> float:
    return statistics.median(row["fused"] for row in chosen(values, size, labels))


def chosen(values: list[JSON], size: int, labels: str) -> list[JSON]:
    """Returns the rows of the batches of one size whose labels are the same or different."""
    return [row for row in values if (row["batch"], row["labels"]) == (size, labels)]


def said(values: list[JSON], size: int) -> str:
    parts = []
    for labels, name in (("same", "the same label"), ("different", "different labels")):
        rows = chosen(values, size, labels)
        psnr = statistics.median(row["psnr"] for row in rows)
        parts.append(f"{spread([row['fused'] for row in rows], '.2f')} and {psnr:.1f} dB with {name}")
    return ", ".join(parts)


def fused(found: Attacked) -> float:
    """How fused the pictures of a batch are: the mean share of all other pictures in each, of that in their mean."""
    others = statistics.mean(1 - shares(picture, found.truth).max().item() for picture in found.images)
    return others / (1 - 1 / len(found.truth))


def shares(picture: Tensor, truth: Tensor) -> Tensor:
    """How much of each of the images (B, C, H, W) is in a picture (C, H, W): least squares on what differs from the
    mean colour, absolute values that sum to 1."""
    columns = (truth - truth.mean((2, 3), keepdim=True)).flatten(1).T  # (N, B)
    centred = (picture - picture.mean((1, 2), keepdim=True)).flatten()[:, None]
    parts = torch.linalg.lstsq(columns, centred).solution.abs().flatten()
    return parts / parts.sum().clamp(min=1e-12)


CLAIM = Claim(
    title="Same label, fused images",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="Images of a batch that share a label come back as a fusion of that class.",
    setup="Ten batches of four and of two of each kind on the sigmoid LeNet, labels the same or different, general "
    "deep leakage with counted labels, 3,000 evaluations of L-BFGS. Every recovered picture is written as a mixture of "
    "the batch's; how fused it is, is the share of all but the largest part, of what that is in their mean.",
    theirs="in words only",
    refuted_by="At one of the sizes, pictures that are no more fused with the same label than with different labels.",
    live=Experiment(images=("sample:digit_3", "sample:digit_7"), attack=find_recipe("general_deep_leakage")),
    account="Four pictures with the same label come back fused, and with different ones they do not: their update "
    "holds three fifths as many numbers as they have pixels. That of a pair misses only 4 %, so its pictures are fused "
    "by a third, and most of them can be told apart.",
    halves=("label=3&label=7",),
    floor="Pictures told apart are fused by 0, and their mean by 1.",
    figure=Figure(
        "How fused",
        {"": "fused"},
        ("batch", "labels"),
        {4: "four pictures", 2: "two pictures", "same": "same label", "different": "different labels"},
    ),
    measure=measure,
)
