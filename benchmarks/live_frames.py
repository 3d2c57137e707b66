"""How often the live view draws during the first preset, counted in the page by wrapping what draws.

Pictures are drawings on the canvas of the guess, curves are updates of the chart that gets fewer; rates are over the
time from the first drawing to the last. `changed` counts only pictures that differ from the one before. Results from
before 2026-11-27 are of charts by Plotly.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from benchmarks.serving import browsing, serving
from benchmarks.setting import SEED, Setting
from gradleak_core.presets import PRESETS

JSON = Any


def measure(setting: Setting) -> JSON:
    values = []
    with serving(setting) as server, browsing() as tab:
        for seed in range(SEED, SEED + setting.count(5, 1)):
            seen = tab.press(server.address(replace(PRESETS[0].experiment, seed=seed)), 60)
            curves = min(rate(times) for times in seen["curves"].values())
            row = {"seed": seed, "pictures": rate(seen["pictures"]), "curves": curves, "changed": rate(seen["changed"])}
            row |= {"seconds": seen["pictures"][-1] / 1000, "frames": len(seen["pictures"])}
            values.append(row | {"same_node": seen["same"], "status": seen["status"]})
            print(f"  {values[-1]}", flush=True)
        complaints = list(tab.complaints)
    pictures, curves = (statistics.median(row[key] for row in values) for key in ("pictures", "curves"))
    same = all(row["same_node"] for row in values)
    return {
        "measured": f"{pictures:.1f} pictures and {curves:.1f} curve updates a second; "
        f"{'same node' if same else 'node replaced'}, {len(complaints)} complaints",
        "met": pictures >= 8 and curves >= 4 and same and not complaints,
        "images": PRESETS[0].experiment.images[0],
        "seeds": [row["seed"] for row in values],
        "complaints": complaints,
        "values": values,
    }


def rate(times: list[float]) -> float:
    """Events a second between the first and the last of these milliseconds."""
    return 1000 * (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
