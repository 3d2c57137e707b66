"""The threads that the engine chooses against 1, 2, 4, ... and all, interleaved, median of five rounds.

It chooses as a worker does that has been idle after a run: by a measurement of a second for each network and batch,
kept in the data folder, which is empty at first. Before that a rule holds; `rule` is what it says.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch

from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import contest, gradleak, medians
from gradleak_core.experiment import CODEC, Experiment, prepare_both, threads
from gradleak_core.models import MODELS
from gradleak_core.onlooker import Prepared
from gradleak_core.presets import find_recipe
from gradleak_core.runs.tuning import learn, thread_counts

JSON = Any
ATTACK = find_recipe("inverting_gradients")
NETWORKS = {"mlp": 20, "lenet": 60, "convnet": 30, "resnet20": 10, "resnet18": 5, "vit": 10}
SHARE = 1.05


def measure(setting: Setting) -> JSON:
    rows = [row(name, batch, steps, setting) for name, steps in NETWORKS.items() for batch in (1, 8)]
    slow = [f"{r['network']} batch {r['batch']} {r['slower']:+.0%}" for r in rows if r["slower"] > SHARE - 1]
    said = f"{len(rows) - len(slow)} of {len(rows)} within 5 % of the best" + (f"; {', '.join(slow)}" if slow else "")
    return {"measured": said, "met": not slow, "images": "a sample", "seeds": [SEED], "values": rows}


def row(name: str, batch: int, steps: int, setting: Setting) -> JSON:
    images = ("sample:chelsea",) * batch
    experiment = replace(Experiment(), images=images, model=MODELS[name](), attack=ATTACK, seed=SEED)
    both, steps = prepare_both(experiment), setting.count(max(2, steps // batch), 1)
    found = contest({str(n): partial(step, both, n, steps) for n in thread_counts()}, setting.count(5, 1))
    best, rule = medians(found), threads(experiment)
    learn(CODEC.encode(experiment), lambda: False)
    chosen = threads(experiment)
    slower = best[str(chosen)] / min(best.values()) - 1
    head = {"network": name, "batch": batch, "chosen": chosen, "rule": rule, "slower": slower}
    return head | {"milliseconds": found}


def step(both: Prepared, number: int, steps: int) -> float:
    torch.set_num_threads(number)
    return 1e3 * gradleak(both, ATTACK, steps) / steps
