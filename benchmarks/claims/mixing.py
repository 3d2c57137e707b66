"""Training on mixtures: what comes back is the mixture, not an image."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.claims import papers, pictures
from benchmarks.claims.claim import Claim, Outcome, Verdict, judged
from benchmarks.claims.figure import draw_ssim
from benchmarks.claims.whole import play
from benchmarks.setting import Setting
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.defences import Defence
from gradleak_core.defences.input_noise import InputNoise
from gradleak_core.defences.instahide import InstaHide
from gradleak_core.defences.mixup import Mixup
from gradleak_core.presets import FOUR
from gradleak_core.verdicts import RECOGNISABLE_SSIM

JSON = Any
DEFENCES: dict[str, tuple[Defence, ...]] = {
    "none": (), "input noise": (InputNoise(std=0.2),), "mixup": (Mixup(),), "InstaHide": (InstaHide(),),
}  # fmt: skip
BASE = replace(FOUR, attack=replace(FOUR.attack, labels=KnownLabels()))  # type: ignore[type-var]


def measure(setting: Setting) -> Outcome:
    own, values = pictures.of(setting, "cifar10"), []
    for name, defences in DEFENCES.items():
        for experiment in pictures.batches(own, replace(BASE, defences=defences), setting.count(3, 2), 4, "different"):
            result = play(experiment, setting.device, 10 if setting.quick else 15)
            head = {"defence": name, "seed": experiment.seed, "iterations": result["iterations"]}
            values.append(head | result["metrics"])
    ssim = {name: statistics.median(row["ssim"] for row in values if row["defence"] == name) for name in DEFENCES}
    ours = "median SSIM to the private pictures: " + ", ".join(f"{name} {value:.2f}" for name, value in ssim.items())
    return Outcome(ours, verdict(ssim), values, pictures.words(setting, "cifar10"))


def verdict(ssim: dict[str, float]) -> Verdict:
    """From median SSIMs. Whole: recognisable without a defence, and under 0.6 with mixup and InstaHide, the latter
    lower. Part: InstaHide halves it."""
    held = ssim["InstaHide"] < ssim["mixup"] < RECOGNISABLE_SSIM <= ssim["none"]
    return judged(held, ssim["InstaHide"] < ssim["none"] / 2)


CLAIM = Claim(
    title="Mixed and encrypted inputs",
    paper=papers.INSTAHIDE,
    sentence="Training on mixtures, and more so on encrypted ones, keeps the single images from coming back.",
    setup="MLP of width 256, batches of four, the mixed labels known, Inverting Gradients; SSIM of what comes back to "
    "the private picture nearest to it. What comes back is the mixture itself; taking mixtures apart is not tried.",
    theirs="in words only",
    refuted_by="Single images recognisable under InstaHide.",
    live=replace(BASE, defences=(Mixup(),)),
    halves=(
        "defence=none",
        "defence=input_noise",
        "defence=instahide",
    ),
    figure=draw_ssim(("defence",)),
    measure=measure,
)
