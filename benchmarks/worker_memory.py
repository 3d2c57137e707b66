"""Whether a worker keeps memory: 200 runs of 60 iterations, the presets in turn, through one process. Linux only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.serving import linux, memory, serving, short
from benchmarks.setting import SEED, Setting
from gradleak_core.presets import PRESETS

JSON = Any
EARLY, BAR = 10, 0.05


def measure(setting: Setting) -> JSON:
    linux()
    values: list[JSON] = []
    with serving(setting) as server:
        pid = server.worker()["pid"]
        for number in range(setting.count(200, 14)):
            preset = PRESETS[number % len(PRESETS)]
            experiment = short(replace(preset.experiment, seed=SEED + number), 10 if setting.quick else 60)
            server.finished(server.submit(experiment))
            values.append({"preset": preset.name, "seed": experiment.seed, **memory(pid)})
        same = server.worker()["pid"] == pid
    early, late = values[EARLY - 1]["rss"], values[-1]["rss"]
    growth = late / early - 1
    return {
        "measured": f"{growth:+.1%}, from {early:.0f} to {late:.0f} MB" + ("" if same else "; the worker was replaced"),
        "met": growth < BAR and same,
        "seeds": [values[0]["seed"], values[-1]["seed"]],
        "growth": growth,
        "values": values,
    }
