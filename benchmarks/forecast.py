"""Whether a run's own first frames tell when it will be recognisable, in 30 set-ups that recover.

Each is played by the worker's own loop until its picture is recognisable. The forecast is the one that the status line
shows: made once, some way before the picture is recognisable, and never taken back. `said_at` is the share of the time
that had passed. Set-ups that were looked at while the rule was made are marked `fitted`. One of which nothing was said
counts as missed if it recovered. Set-ups that never recover show how often something is forecast all the same.
"""

from __future__ import annotations

import statistics
from typing import Any
from urllib.parse import parse_qs

from benchmarks.setting import SEED, Setting
from gradleak_core import experiment as engine
from gradleak_core.catalogue import catalogue
from gradleak_core.config import links
from gradleak_core.runs.controls import Controls
from gradleak_core.runs.loop import Run

JSON = Any
WITHIN = 2.0
"""The factor within which a forecast counts as right."""
RIGHT = 24
BATCH = (
    "model=mlp&model.width=256&attack=inverting_gradients&attack.steps=600&attack.labels=bias_rule"
    "&attack.optimiser.lr=0.2&attack.priors.total_variation.weight=0.001"
)
CONVNET = (
    "model=convnet&attack=inverting_gradients&attack.steps=600&attack.optimiser.lr=0.1"
    "&attack.priors.total_variation.early=1"
)
SMOOTH = "model=mlp&model.width=128&model.activation=tanh&attack.steps=400"
FITTED = (
    "image=sample:coffee&attack.steps=500",
    "image=sample:camera&attack.steps=500",
    "image=sample:coin&defence=dropout:p=0.5&attack=dropout_readoff&attack.steps=500",
    "image=sample:galaxy&attack.steps=800",
    "image=sample:retina&attack.steps=800&client.local_epochs=3&client.lr=0.01",
    f"image=sample:chelsea&{CONVNET}",
    f"image=sample:horse&image=sample:retina&image=sample:shuttle&image=sample:coffee&{BATCH}",
)
"""Set-ups whose courses were looked at while the rule was made."""
HELD = (
    *(f"image=sample:{name}&attack.steps=500" for name in ("retina", "china", "eye", "hubble", "cell")),
    "image=sample:flower&attack.steps=500&model.activation=tanh",
    "image=sample:shuttle&attack.steps=500&channels=1",
    "image=sample:eye&attack.steps=600&attack=dlg",
    "image=sample:rocket&attack.steps=600&attack=sapag",
    "image=sample:horse&attack.steps=500&attack.restarts=4",
    "image=sample:coffee&attack.steps=500&size=24",
    "image=sample:camera&attack.steps=500&client.local_epochs=2&client.lr=0.01",
    "image=sample:galaxy&attack.steps=500&defence=gaussian_noise:std=0.0005",
    "image=sample:flower&attack.steps=500&defence=half_precision",
    "image=sample:eye&defence=dropout:p=0.3&attack=dropout_readoff&attack.steps=500",
    f"image=sample:flower&{CONVNET}",
    f"image=sample:retina&{CONVNET}&size=24",
    f"image=sample:coffee&{CONVNET}&model.width=16",
    f"image=sample:shuttle&{CONVNET}&model.activation=silu",
    f"image=sample:flower&{BATCH}",
    f"image=sample:camera&image=sample:coffee&{BATCH}",
    f"image=sample:eye&image=sample:retina&image=sample:coin&{BATCH}",
    "image=sample:coffee&model=mlp&model.width=256&defence=precode&attack=precode_noise&attack.steps=600",
)
"""Set-ups that were not."""
NEVER = (
    "image=sample:coffee&attack.steps=300&defence=gaussian_noise:std=0.05",
    "image=sample:retina&attack.steps=300&defence=pruning:share=0.95",
    "image=sample:eye&attack.steps=300&defence=dropout:p=0.5",
    "image=sample:flower&attack.steps=300&model.activation=relu",
)
"""Set-ups that do not recover."""


def measure(setting: Setting) -> JSON:
    play(FITTED[0] + "&attack.steps=20", setting.device)  # warm, as a worker is
    chosen = [*((text, True) for text in FITTED), *((text, False) for text in HELD)][:: setting.count(1, 10)]
    values = [play(text, setting.device) | {"fitted": fitted} for text, fitted in chosen]
    never = [play(text, setting.device) for text in NEVER[:: setting.count(1, 10)]]
    recovered = [row for row in values if row["seconds"] is not None]
    right = sum(row["right"] for row in recovered)
    said = sum(row["forecast"] is not None for row in never)
    early = statistics.median(row["said_at"] for row in recovered if row["said_at"] is not None)
    return {
        "measured": f"{right} of {len(recovered)} within a factor of {WITHIN:g}, said after {early:.0%} of the time "
        f"(median); {said} of {len(never)} that never recover were forecast all the same",
        "met": right >= RIGHT * len(recovered) / 30,
        "seeds": [SEED],
        "values": values,
        "never": never,
    }


def read(text: str, seed: int = SEED) -> JSON:
    """The experiment that a query names, with a seed of the benchmarks unless it names one."""
    return links.from_query({"seed": [str(seed)], **parse_qs(text)}, catalogue())


def play(text: str, device: str) -> JSON:
    """When a set-up was recognisable, in seconds, and when that was forecast, and at which share of the time."""
    controls, frames, result = Controls(), list[JSON](), dict[str, Any]()

    def hear(head: JSON, blob: bytes = b"") -> None:
        if head["type"] == "frame" and head["picture"]:
            frames.append(head["picture"] | {"seconds": head["seconds"]})
            if head["picture"]["recognised"]:
                controls.apply({"type": "stop"})
        elif head["type"] == "finished":
            result.update(head["result"])

    Run(engine, "", device, controls, hear).play(read(text))  # type: ignore[arg-type]
    took, forecast = result["seconds_to_recognisable"], result["forecast"]
    said = next((frame["seconds"] for frame in frames if frame["forecast"] is not None), None)
    right = None not in (took, forecast) and took / WITHIN <= forecast <= took * WITHIN
    print(f"  {text}: took {took}, forecast {forecast}", flush=True)
    return {
        "set_up": text, "seconds": took, "iterations": result["iterations_to_recognisable"], "forecast": forecast,
        "said_at": said / took if said is not None and took else None, "right": right,
    }  # fmt: skip
