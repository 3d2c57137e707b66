"""Whether the memory that a run is estimated to need is a bound on what it takes, and not far from it. Linux only.

The constants of `gradleak_core/config/demand.py` were fitted to the set-ups that say so; the others check them. Each is
prepared and played, until its step is recorded, in a fresh process that has done a short run before.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.serving import linux, status
from benchmarks.setting import SEED, Setting
from gradleak_core.config.demand import demand
from gradleak_core.experiment import CODEC, Experiment, load, run
from gradleak_core.models import MODELS
from gradleak_core.presets import find_recipe
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep

JSON = Any
STEPS = 12
"""Iterations, of which the tenth and eleventh record."""
LEAST = 0.2
"""The share of the estimate that is taken at least."""
FITTED: tuple[JSON, ...] = (
    {"model": "lenet", "size": 64, "seeds": 32},
    {"model": "lenet", "size": 64, "seeds": 16, "attack": "idlg"},
    {"model": "vit", "size": 32, "seeds": 4},
    {"model": "resnet18", "size": 32, "attack": "idlg"},
    {"model": "resnet20", "size": 32, "seeds": 4},
    {"model": "convnet", "size": 32, "seeds": 4, "epochs": 4},
    {"model": "mlp", "size": 32, "epochs": 4},
)
HELD: tuple[JSON, ...] = (
    {"model": "lenet", "size": 48, "seeds": 12, "batch": 2, "attack": "dlg"},
    {"model": "mlp", "size": 24, "batch": 3, "epochs": 2},
    {"model": "convnet", "size": 48, "seeds": 3, "batch": 2},
    {"model": "resnet20", "size": 24, "batch": 3, "rounds": 2},
    {"model": "resnet18", "size": 64, "seeds": 2, "batch": 2, "threads": 2},
    {"model": "vit", "size": 48},
)


def measure(setting: Setting) -> JSON:
    linux()
    chosen = [*((row, True) for row in FITTED), *((row, False) for row in HELD)]
    values = [beside(row) | {"fitted": fitted} for row, fitted in chosen[:: setting.count(1, 7)]]
    shares = [row["share"] for row in values]
    return {
        "measured": f"{min(shares):.0%} to {max(shares):.0%} of the estimate",
        "met": all(LEAST <= share <= 1 for share in shares),
        "seeds": [SEED],
        "values": values,
    }


def beside(row: JSON) -> JSON:
    """A set-up with the megabytes that were estimated and those that it took."""
    experiment = built(row)
    bound = estimated(experiment)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        taken = pool.apply(peak, (CODEC.encode(experiment),))
    return {**row, "estimated_mb": bound, "taken_mb": taken, "share": taken / bound}


def estimated(experiment: Experiment) -> float:
    """Megabytes."""
    return demand(CODEC.encode(experiment), CODEC.encode(experiment.model.work)).memory / 1e6


def built(row: JSON) -> Experiment:
    batch = row.get("batch", 1)
    attack = replace(
        find_recipe(row.get("attack", "inverting_gradients")), steps=STEPS, restarts=row.get("seeds", 1), goal=0.0
    )
    return Experiment(
        images=("sample:chelsea",) * batch, labels=tuple(range(batch)), size=row["size"], seed=SEED,
        model=MODELS[row["model"]](), client=ClientStep(local_epochs=row.get("epochs", 1)), attack=attack,
        threat=ThreatModel(rounds=row.get("rounds", 1)), threads=row.get("threads", 1),
    )  # fmt: skip


def peak(json: JSON) -> float:
    """Megabytes by which this process grows at most."""
    for _ in run(Experiment(attack=replace(find_recipe("idlg"), steps=2))):
        pass
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = status("VmRSS")
    for _ in run(load(json)):
        pass
    return (status("VmHWM") - before) * 1.048576
