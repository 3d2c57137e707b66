"""Images of one batch that share their label come back fused: each picture holds a part of all of them."""

from __future__ import annotations

import statistics
from typing import Any

import torch
from torch import Tensor

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import Figure
from benchmarks.claims.told import Attacked, attacked
from benchmarks.setting import Setting
from gradleak_core.experiment import Experiment
from gradleak_core.presets import find_recipe

JSON = Any
FUSED = 0.25
"""The share of the other image from which a picture counts as fused; an even mixture has 0.5, a clean one 0."""


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    base = Experiment(attack=find_recipe("general_deep_leakage"))
    for labels in ("same", "different"):
        for experiment in pictures.batches(own, base, setting.count(4, 2), 2, labels):  # type: ignore[arg-type]
            found = attacked(experiment, setting.device, 12 if setting.quick else 30)
            values.append({"labels": labels, "seed": experiment.seed, "other": other(found), **found.metrics})
    same, different = ([row for row in values if row["labels"] == name] for name in ("same", "different"))
    ours = f"the other image's share: {said(same)} with the same label, {said(different)} with different labels"
    medians = [statistics.median(row["other"] for row in rows) for rows in (same, different)]
    return Outcome(ours, verdict(*medians), values, pictures.words(setting, "cifar10"))


def verdict(same: float, different: float) -> Verdict:
    """From the median share of the other image. Whole: fused with the same label and not with different ones.
    Part: at least 0.05 more with the same label."""
    return judged(same >= FUSED > different, same >= different + 0.05)


def said(rows: list[JSON]) -> str:
    other, psnr = (statistics.median(row[key] for row in rows) for key in ("other", "psnr"))
    return f"{other:.2f} ({psnr:.1f} dB)"


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
    setup="Batches of two on the sigmoid LeNet, labels the same or different, general deep leakage with counted "
    "labels. Every recovered picture is written as a mixture of both images; the smaller share is the other image's.",
    theirs="in words only",
    refuted_by="No larger share of the other image with the same label than with different labels.",
    live=Experiment(images=("sample:digit_3", "sample:digit_7"), attack=find_recipe("general_deep_leakage")),
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
