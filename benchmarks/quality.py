"""How well an attack does on random images and untrained weights.

32 × 32 pixels, batch of one, another image and other weights each time. The default recipe is cut after 60 s of
computing, and the attacker's own pick of then is scored. The ResNet-20 is as wide as the paper's, four times
the usual; there Inverting Gradients has four restarts of 300 iterations, however long they take, and answers with their
mean.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import Any

from benchmarks.bare import play
from benchmarks.setting import Setting
from gradleak_core.attacks import RECIPES
from gradleak_core.experiment import Experiment
from gradleak_core.models import MODELS
from gradleak_core.presets import find_recipe

JSON = Any
SECONDS = 60.0
ENOUGH, SHARE = 25.0, 0.9


def share(attack: str, setting: Setting) -> JSON:
    """DLG and iDLG: the share that reaches 25 dB."""
    values = rows(Experiment(attack=RECIPES[attack]), setting)
    reached = sum(row["psnr"] >= ENOUGH for row in values) / len(values)
    return report(values, f"{reached:.0%} reach 25 dB, ", reached >= SHARE, setting) | {"share": reached}


def convnet(setting: Setting) -> JSON:
    """Inverting Gradients by default: the median PSNR."""
    base = Experiment(attack=find_recipe("inverting_gradients"), model=MODELS["convnet"]())
    return median(rows(base, setting), 22, setting)


def resnet20(setting: Setting) -> JSON:
    """The mean of four restarts, on the width of the paper's network."""
    attack = replace(find_recipe("inverting_gradients"), restarts=4, steps=setting.count(300, 50), answer="mean")
    return median(rows(Experiment(attack=attack, model=MODELS["resnet20"](width=4)), setting, math.inf), 19, setting)


def median(values: list[JSON], bar: float, setting: Setting) -> JSON:
    return report(values, "", statistics.median(row["psnr"] for row in values) >= bar, setting)


def rows(base: Experiment, setting: Setting, limit: float = SECONDS) -> list[JSON]:
    """One row a pair."""
    found = []
    for name, experiment in setting.experiments(base, setting.count(20, 2)):
        result = play(experiment, setting.device, 5 if setting.quick else limit)
        row = {"image": name, "seed": experiment.seed, "status": result["status"]}
        row |= {key: result[key] for key in ("seconds", "iterations", "redrawn", "iterations_per_second")}
        found.append(row | result["metrics"])
        print(f"  {name} {found[-1]['psnr']:.1f} dB, SSIM {found[-1]['ssim']:.2f}, {row['seconds']:.1f} s", flush=True)
    return found


def report(values: list[JSON], before: str, met: bool, setting: Setting) -> JSON:
    psnr, seconds = ([row[key] for row in values] for key in ("psnr", "seconds"))
    return {
        "measured": f"{before}median {statistics.median(psnr):.1f} dB, {statistics.median(seconds):.1f} s",
        "met": met,
        "images": setting.images,
        "seeds": [row["seed"] for row in values],
        "median_psnr": statistics.median(psnr),
        "median_seconds": statistics.median(seconds),
        "values": values,
    }
