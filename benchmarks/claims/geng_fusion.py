"""Images of one batch that share their label come back fused: each picture holds a part of all of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
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
ATTACK = find_recipe("general_deep_leakage")
FUSED = 0.25
"""The share of the other image from which a picture counts as fused; an even mixture has 0.5, a clean one 0."""


def measure(setting: Setting) -> Outcome:
    own = pictures.of(setting, "cifar10")
    values = play_all(runs(own), own, how=play_shares)
    same, different = ([row for row in values if row["labels"] == name] for name in ("same", "different"))
    ours = f"the other image's share: {said(same)} with the same label, {said(different)} with different labels"
    medians = [statistics.median(row["other"] for row in rows) for rows in (same, different)]
    return Outcome(ours, verdict(*medians), values, pictures.words(setting, "cifar10"))


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields the batches whose labels are the same, then those whose labels differ."""
    base = Experiment(attack=replace(ATTACK, steps=setting.count(STEPS, 300)))
    kinds: tuple[pictures.Labels, ...] = ("same", "different")
    for labels in kinds:
        for experiment in pictures.batches(setting, base, setting.count(COUNT, 2), 2, labels):
            yield {"labels": labels}, experiment


def play_shares(experiment: Experiment, device: str, limit: float, look: float, every: float) -> JSON:
    """Returns the metrics of a whole run, and how much of the other image is in its pictures."""
    found = attacked(experiment, device, limit)
    return {"metrics": {"other": other(found), **found.metrics}}


def verdict(same: float, different: float) -> Verdict:
    """From the median share of the other image. Whole: fused with the same label and not with different ones.
    Part: at least 0.05 more with the same label."""
    return judged(same >= FUSED > different, same >= different + 0.05)


def said(rows: list[JSON]) -> str:
    shares, psnr = ([row[key] for row in rows] for key in ("other", "psnr"))
    return f"{spread(shares, '.2f')} and {statistics.median(psnr):.1f} dB"


def other(found: Attacked) -> float:
    """The mean share of the other image in the two pictures."""
    return statistics.mean(shares(picture, found.truth).min().item() for picture in found.images)


def shares(picture: Tensor, truth: Tensor) -> Tensor:
    """How much of each of the images (2, C, H, W) is in a picture (C, H, W): least squares on what differs from the
    mean colour, absolute values that sum to 1."""
    columns = (truth - truth.mean((2, 3), keepdim=True)).flatten(1).T  # (N, 2)
    centred = (picture - picture.mean((1, 2), keepdim=True)).flatten()[:, None]
    parts = torch.linalg.lstsq(columns, centred).solution.abs().flatten()
    return parts / parts.sum().clamp(min=1e-12)


CLAIM = Claim(
    title="Same label, fused images",
    paper=papers.GENERAL_DEEP_LEAKAGE,
    sentence="Images of a batch that share a label come back as a fusion of that class.",
    setup="Ten batches of two of each kind on the sigmoid LeNet, labels the same or different, general deep leakage "
    "with counted labels, 3,000 evaluations of L-BFGS. Every recovered picture is written as a mixture of both images; "
    "the smaller share is the other image's.",
    theirs="in words only",
    refuted_by="No larger share of the other image with the same label than with different labels.",
    live=Experiment(images=("sample:digit_3", "sample:digit_7"), attack=find_recipe("general_deep_leakage")),
    account="Five times as much of the other picture is there with the same label as with different ones. But it is a "
    "sixth and not a half, so that most pairs can be told apart.",
    halves=("label=3&label=7",),
    floor="Two pictures told apart have 0 of each other, and their mean has 0.5.",
    figure=Figure(
        "Share of the other picture",
        {"": "other"},
        ("labels",),
        {"same": "same label", "different": "different labels"},
    ),
    measure=measure,
)
