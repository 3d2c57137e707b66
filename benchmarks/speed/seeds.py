"""A step of 32 restarts together against 32 steps of one, interleaved, median of five rounds; and against 32 steps of
the bare loop, which has one thread and the same optimiser. The bar is held against the first."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import Contender, bare, bare_lbfgs, contest, gradleak, medians
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.experiment import Experiment, prepare_both, threads
from gradleak_core.models import MODELS
from gradleak_core.onlooker import Prepared
from gradleak_core.presets import find_recipe

JSON = Any
SEEDS = 32
BARS = {"lenet": 5.0, "convnet": 3.0}
ATTACKS = {"Adam": find_recipe("inverting_gradients"), "L-BFGS": replace(find_recipe("idlg"), goal=0.0)}


def measure(setting: Setting) -> JSON:
    rows = [row(network, name, attack, setting) for network in BARS for name, attack in ATTACKS.items()]
    said = ", ".join(f"{r['network']} {r['optimiser']} {r['ratio']:.1f}×" for r in rows)
    plainly = ", ".join(f"{r['network']} {r['optimiser']} {r['bare_ratio']:.0f}×" for r in rows)
    met = all(r["ratio"] >= BARS[r["network"]] for r in rows)
    measured = f"{said}; against the bare loop in turn {plainly}"
    return {"measured": measured, "met": met, "images": "a sample", "seeds": [SEED], "values": rows}


def row(network: str, name: str, attack: Recipe, setting: Setting) -> JSON:
    base = Experiment(model=MODELS[network](), attack=attack, seed=SEED)
    both, steps = prepare_both(base), setting.count(100, 2)
    entries = {
        f"{seeds} seeds": partial(step, both, replace(base, attack=replace(attack, restarts=seeds)), steps)
        for seeds in (1, SEEDS)
    }
    entries["bare loop"] = partial(plain, bare if name == "Adam" else bare_lbfgs, both, attack, steps)
    found = contest(entries, setting.count(5, 1))
    best = medians(found)
    ratios = {one: SEEDS * ms / best[f"{SEEDS} seeds"] for one, ms in best.items()}
    against = {"ratio": ratios["1 seeds"], "bare_ratio": ratios["bare loop"]}
    return {"network": network, "optimiser": name, **against, "milliseconds": found}


def step(both: Prepared, experiment: Experiment, steps: int) -> float:
    """Milliseconds, with the threads that the engine chooses."""
    assert isinstance(experiment.attack, Recipe)
    torch.set_num_threads(threads(experiment))
    return 1e3 * gradleak(both, experiment.attack, steps) / steps


def plain(loop: Contender, both: Prepared, attack: Recipe, steps: int) -> float:
    torch.set_num_threads(1)
    return 1e3 * loop(both, attack, steps) / steps
