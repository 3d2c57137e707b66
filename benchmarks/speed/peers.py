"""Iterations of the same attack, interleaved, median of five rounds, warm. GradLeak runs with the threads that its own
measurement chooses; the others are timed with one thread and with all, and the better of the two counts.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import bare, breaching, contest, gradleak, medians
from gradleak_core.experiment import CODEC, Experiment, prepare_both, threads
from gradleak_core.models import MODELS
from gradleak_core.onlooker import Prepared
from gradleak_core.presets import find_recipe
from gradleak_core.runs.tuning import learn
from gradleak_core.speed.threads import ALL_THREADS

JSON = Any
ATTACK = find_recipe("inverting_gradients")
NETWORKS = {"lenet": 100, "convnet": 40, "resnet18": 8}
"""Iterations in a round."""
BARS = {"lenet": (3.0, 1.0), "convnet": (3.0, 1.0), "resnet18": (2.0, 1.3)}
"""How many times faster than breaching and than the bare loop."""


def measure(setting: Setting) -> JSON:
    rows = [row(name, steps, setting) for name, steps in NETWORKS.items()]
    said = [f"{r['network']}: breaching {r['breaching']:.2f}×, bare loop {r['bare']:.2f}×" for r in rows]
    met = all(r["breaching"] >= BARS[r["network"]][0] and r["bare"] >= BARS[r["network"]][1] for r in rows)
    return {"measured": "; ".join(said), "met": met, "images": "a sample", "seeds": [SEED], "values": rows}


def row(name: str, steps: int, setting: Setting) -> JSON:
    experiment = Experiment(model=MODELS[name](), attack=ATTACK, seed=SEED)
    learn(CODEC.encode(experiment), lambda: False)
    both, steps = prepare_both(experiment), setting.count(steps, 3)
    entries = {f"gradleak, {threads(experiment)} threads": partial(timed, gradleak, both, steps, threads(experiment))}
    for number in sorted({1, ALL_THREADS}):
        for contender in (bare, breaching):
            entries[f"{contender.__name__}, {number} threads"] = partial(timed, contender, both, steps, number)
    found = contest(entries, setting.count(5, 1))
    best = {
        who: min(value for key, value in medians(found).items() if key.startswith(who))
        for who in ("gradleak", "bare", "breaching")
    }
    ratios = {who: best[who] / best["gradleak"] for who in ("bare", "breaching")}
    return {"network": name, **ratios, "milliseconds": found}


def timed(contender: Any, both: Prepared, steps: int, number: int) -> float:
    """Milliseconds an iteration."""
    torch.set_num_threads(number)
    return 1e3 * float(contender(both, ATTACK, steps)) / steps
