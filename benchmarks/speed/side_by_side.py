"""The last tables of docs/performance.md: how a step's cost grows, what is seen in a browser, and all side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.table import line

JSON = Any
TITLES = {"lenet": "LeNet", "convnet": "ConvNet", "resnet18": "ResNet-18"}
BROWSER = {
    "first_preset": "First preset, from Run in a browser",
    "live_frames": "Live, in a browser",
    "watching": "Speed while watched, of that of the engine alone",
}
"""Measurements of `python -m benchmarks`."""


def scaling(result: JSON) -> str:
    """Every point of the curves."""
    axes: dict[str, list[JSON]] = {}
    for point in result["values"]:
        if "milliseconds" in point:
            axes.setdefault(point["axis"], []).append(point)
    rows = [
        line((axis, "; ".join(f"{p['value']:,.0f}: {p['milliseconds']:.1f} ms, {p['mb']:.0f} MB" for p in points)))
        for axis, points in axes.items()
    ]
    return table("Scaling", ("axis", "milliseconds of a step, and by how much it lets the process grow"), rows)


def end_to_end(results: Mapping[str, JSON]) -> str:
    rows = [line((title, results[name]["measured"], results[name]["date"])) for name, title in BROWSER.items()]
    return table("End to end", ("", "measured", "date"), rows)


def side_by_side(results: Mapping[str, JSON]) -> str:
    """Milliseconds of an iteration, each program with the threads that suit it best."""
    rows = []
    for value in results["peers"]["values"]:
        best = [
            min(statistics.median(times) for key, times in value["milliseconds"].items() if key.startswith(who))
            for who in ("gradleak", "bare", "breaching")
        ]
        rows.append(line((f"{TITLES[value['network']]}, one restart, an iteration", *(f"{ms:.1f} ms" for ms in best))))
    for value in results["seeds"]["values"]:
        one, many, bare = (statistics.median(times) for times in value["milliseconds"].values())
        what = f"{TITLES[value['network']]}, 32 restarts with {value['optimiser']}, an iteration of all"
        rows.append(line((what, f"{many:.1f} ms (in turn {32 * one:.1f} ms)", f"in turn {32 * bare:.1f} ms", "–")))
    [race] = results["recognisable"]["values"]
    theirs = f"{race['breaching']:.1f} s" if race["breaching"] else "not within a minute"
    rows.append(line(("First preset, recognisable", f"{statistics.median(race['gradleak']):.2f} s", "–", theirs)))
    return table("Side by side", ("", "GradLeak", "bare loop", "breaching 0.1.2"), rows)


def table(title: str, head: tuple[str, ...], rows: list[str]) -> str:
    return "\n".join(["", f"## {title}", "", line(head), "|" + "---|" * len(head), *rows, ""])
