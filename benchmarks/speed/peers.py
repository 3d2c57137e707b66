"""Iterations of the same attack, interleaved, median of five rounds, warm. GradLeak runs with the threads it chooses;
every other program is timed with one thread and with all, and the better of the two counts.

The race is over the first preset: seconds to an SSIM of 0.6 against the private image, looked at from outside.
GradLeak runs iDLG, breaching its `invertinggradients` settings for at most a minute.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.bare import play
from benchmarks.setting import SEED, Setting
from benchmarks.speed.contenders import bare, breaching, contest, gradleak, medians, reconstruct
from gradleak_core.experiment import Experiment, Prepared, prepare, threads
from gradleak_core.metrics import RECOGNISABLE, score
from gradleak_core.models import MODELS
from gradleak_core.presets import FIRST, recipe
from gradleak_core.threads import ALL_THREADS

JSON = Any
ATTACK = recipe("inverting_gradients")
NETWORKS = {"lenet": 100, "convnet": 40, "resnet18": 8}
"""Iterations in a round."""
BARS = {"lenet": (3.0, 1.0), "convnet": (3.0, 1.0), "resnet18": (2.0, 1.3)}
"""How many times faster than breaching and than the bare loop."""
LIMIT, LOOK = 60.0, 0.1


def measure(setting: Setting) -> JSON:
    rows = [row(name, steps, setting) for name, steps in NETWORKS.items()]
    said = [f"{r['network']}: breaching {r['breaching']:.2f}×, bare loop {r['bare']:.2f}×" for r in rows]
    met = all(r["breaching"] >= BARS[r["network"]][0] and r["bare"] >= BARS[r["network"]][1] for r in rows)
    return {"measured": "; ".join(said), "met": met, "images": "a sample", "seeds": [SEED], "values": rows}


def row(name: str, steps: int, setting: Setting) -> JSON:
    experiment = Experiment(model=MODELS[name](), attack=ATTACK, seed=SEED)
    both, steps = prepare(experiment), setting.count(steps, 3)
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


class Reached(Exception):
    """The look from outside has seen enough."""


def race(setting: Setting) -> JSON:
    limit = setting.count(60, 3)
    ours = [play(FIRST, "cpu", limit, look=LOOK)["seconds_to_recognisable"] for _ in range(setting.count(5, 1))]
    theirs = breachings(prepare(FIRST), limit)
    mine = sorted(value if value is not None else float(limit) for value in ours)[len(ours) // 2]
    said = f"{theirs:.1f} s" if theirs is not None else f"not within {limit} s"
    ratio = (theirs or limit) / mine
    return {
        "measured": f"GradLeak {mine:.2f} s, breaching {said}: ≥ {ratio:.0f}×",
        "met": ratio >= 5,
        "images": FIRST.images[0],
        "seeds": [FIRST.seed],
        "values": [{"gradleak": ours, "breaching": theirs}],
    }


def breachings(both: Prepared, limit: float) -> float | None:
    """Seconds until breaching's guess is recognisable, or None."""
    begun, following, reached = time.perf_counter(), 0.0, False

    def look(guess: Tensor) -> None:
        nonlocal following, reached
        now = time.perf_counter() - begun
        if now < following:
            return
        following = now + LOOK
        labels = both.secret.labels
        reached = score(guess.clamp(0, 1), both.secret.images, labels, labels, 0.0)["ssim"] >= RECOGNISABLE
        if reached or now > limit:
            raise Reached

    torch.set_num_threads(1)
    with contextlib.suppress(Reached):
        reconstruct(both, look)
    return time.perf_counter() - begun if reached else None
