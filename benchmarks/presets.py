"""Every preset of the catalogue against its promise, on several samples and seeds.

The attacker's pick is looked at every 0.2 s. A preset "leaks" where the last pick is recognisable, and "holds" where
no pick ever was; the time is that of the first of the engine's own looks which finds it so. Results from before
2026-11-27 took SSIM ≥ 0.6 for recognisable, those of that day a likeness of 0.65. Samples of a batch have different
labels. Runs are cut after 120 s.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

from benchmarks.bare import play
from benchmarks.setting import SEED, Setting
from gradleak_core.data.samples import SAMPLES
from gradleak_core.presets import PRESETS, Preset
from gradleak_core.verdicts import recognisable

JSON = Any
SHARE = 0.9
KEYS = ("status", "seconds", "seconds_to_recognisable", "iterations", "redrawn", "highest_likeness")


def measure(setting: Setting) -> JSON:
    rows = [one(preset, setting) for preset in PRESETS]
    broken = [row["preset"] for row in rows if not row["kept"]]
    return {
        "measured": "; ".join(f"{row['preset']} ({row['promise']}): {row['measured']}" for row in rows),
        "met": not broken,
        "images": "the samples",
        "seeds": list(range(SEED, SEED + len(rows[0]["values"]))),
        "broken": broken,
        "values": rows,
    }


def one(preset: Preset, setting: Setting) -> JSON:
    """One preset: how often its promise is kept, and every run."""
    values = []
    for number in range(setting.count(10, 1)):
        images = batch(number, len(preset.experiment.images))
        experiment = replace(preset.experiment, images=images, seed=SEED + number)
        result = play(experiment, setting.device, 5 if setting.quick else 120, look=0.2)
        row = {"images": images, "seed": experiment.seed, **{key: result[key] for key in KEYS}, **result["metrics"]}
        values.append(row)
        print(f"  {preset.name} {' '.join(images)} SSIM {row['ssim']:.2f}, {row['seconds']:.1f} s", flush=True)
    holds = preset.promise.startswith("holds")
    good = [not recognisable({"likeness": row["highest_likeness"]}) if holds else recognisable(row) for row in values]
    return {
        "preset": preset.name, "promise": preset.promise, "kept": sum(good) >= SHARE * len(good),
        "measured": f"{sum(good)} of {len(good)}, {'' if holds else pace(values)}median SSIM "
        f"{statistics.median(row['ssim'] for row in values):.2f}",
        "values": values,
    }  # fmt: skip


def pace(values: list[JSON]) -> str:
    """The median time to a recognisable picture over the runs that got there."""
    times = [row["seconds_to_recognisable"] for row in values if row["seconds_to_recognisable"] is not None]
    return f"{statistics.median(times):.1f} s, " if times else ""


def batch(first: int, size: int) -> tuple[str, ...]:
    """`size` samples from number `first` on, of different labels."""
    labels: dict[int, str] = {}
    for sample in islice(cycle(SAMPLES.values()), first, first + len(SAMPLES)):
        labels.setdefault(sample.label, f"sample:{sample.name}")
    return tuple(labels.values())[:size]
