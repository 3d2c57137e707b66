"""From pressing Run to a moving and to a recognisable picture, in a real browser against the real server.

Ten samples, the worker warm. The page itself takes the time, from the click to the moment the picture has been drawn:
the first moving picture is the second one that differs in its iteration, recognisable is what the view calls so
(SSIM ≥ 0.6 in results from before 2026-11-27).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import Any

from benchmarks.serving import browsing, serving
from benchmarks.setting import SEED, Setting
from gradleak_core.data.samples import SAMPLES
from gradleak_core.presets import PRESETS
from gradleak_core.verdicts import CLEAR

JSON = Any
LIMIT = 60.0


def measure(setting: Setting) -> JSON:
    values = []
    with serving(setting) as server, browsing() as tab:
        for number, name in enumerate(list(SAMPLES)[: setting.count(10, 2)]):
            experiment = replace(PRESETS[0].experiment, images=(f"sample:{name}",), seed=SEED + number)
            seen = tab.press(server.address(experiment), LIMIT)
            values.append({"image": f"sample:{name}", "seed": experiment.seed, **times(seen)})
            print(f"  {values[-1]}", flush=True)
    moving, recognised = (middle([row[key] for row in values]) for key in ("moving", "recognisable"))
    succeeded = sum(row["recognisable"] is not None for row in values)
    return {
        "measured": f"moving after {said(moving)}, recognisable after {said(recognised)}; {succeeded} of {len(values)}",
        "met": moving <= 1 and recognised <= 5 and succeeded >= 0.9 * len(values),
        "images": "the samples",
        "seeds": [row["seed"] for row in values],
        "values": values,
    }


def times(seen: JSON) -> JSON:
    """Seconds from the click to each mark, null for one that was not reached."""
    at = [shown["ms"] / 1000 for shown in seen["shown"]]
    clear = [shown["ms"] / 1000 for shown in seen["shown"] if shown["seen"] in CLEAR]
    return {
        "first_picture": at[0] if at else None,
        "moving": at[1] if len(at) > 1 else None,
        "recognisable": clear[0] if clear else None,
        "status": seen["status"],
        "ssim": seen["shown"][-1]["ssim"] if at else None,
    }


def middle(values: list[float | None]) -> float:
    """The median, where what was not reached counts as endless."""
    return statistics.median(math.inf if value is None else value for value in values)


def said(seconds: float) -> str:
    return f"{seconds:.2f} s" if math.isfinite(seconds) else "never"
