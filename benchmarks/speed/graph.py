"""An iteration of Inverting Gradients on a CUDA device, 32 × 32 pixels, as one recorded graph against the same one
launched operation by operation, and 64 restarts against one; interleaved, median of five rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import contest, medians
from gradleak_core.attacks.inversion.loop import start_descent
from gradleak_core.attacks.inversion.objective import prior_weights
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.experiment import Experiment, prepare_both, use_deterministic_kernels
from gradleak_core.models import MODELS
from gradleak_core.presets import find_recipe
from gradleak_core.types import Refused

JSON = Any
NETWORKS = {"lenet": 200, "convnet": 200, "resnet18": 50}
"""Iterations in a round."""
ATTACK = find_recipe("inverting_gradients")
MANY, FASTER, MORE = 64, 3.0, 20.0
WARM_UP = 5


def measure(setting: Setting) -> JSON:
    if not torch.cuda.is_available():
        raise Refused("There is no CUDA device here; run this measurement where there is one.")
    use_deterministic_kernels()
    rows = [row(name, setting.count(steps, 5), setting.count(5, 1)) for name, steps in NETWORKS.items()]
    said = [f"{r['network']} {r['graph']:.1f}×, {MANY} restarts {r['throughput']:.0f}×" for r in rows]
    met = all(r["graph"] >= FASTER and r["throughput"] >= MORE for r in rows)
    return {"measured": "; ".join(said), "met": met, "images": "a sample", "seeds": [SEED], "values": rows}


def row(network: str, steps: int, rounds: int) -> JSON:
    kinds = {"eager": (1, False), "graph": (1, True), "many": (MANY, True)}
    entries = {name: partial(milliseconds, stepper(network, *kind), steps) for name, kind in kinds.items()}
    found = contest(entries, rounds)
    best = medians(found)
    ratios = {"graph": best["eager"] / best["graph"], "throughput": MANY * best["graph"] / best["many"]}
    return {"network": network, **ratios, "milliseconds": found}


def stepper(network: str, restarts: int, captured: bool) -> Callable[[], None]:
    """One iteration of the attack on the device."""
    attack = replace(ATTACK, restarts=restarts)
    both = prepare_both(Experiment(model=MODELS[network](), attack=attack, seed=SEED), "cuda")
    generator = torch.Generator().manual_seed(SEED)
    labels = attack.labels.read(both.model, both.observation)
    space = Space(attack.unknowns, labels, both.observation, attack.stance, both.model, generator)
    z = space.start(restarts, generator).cuda()
    descent = start_descent(attack, both.observation, space, both.model, z)
    if not captured:
        descent.step = descent.compute
        descent.objective.matching = descent.objective.matching.step
    weights, rate = prior_weights(attack.priors, 0.5, z), z.new_full((), attack.optimiser.rate(0.5))

    def step() -> None:
        descent(z[:, :0], weights, rate, z[:0])

    for _ in range(WARM_UP):
        step()
    return step


def milliseconds(step: Callable[[], None], steps: int) -> float:
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - begun) / steps
