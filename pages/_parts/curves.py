"""The scores of any number of runs on common axes, and a table of what differs between the runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from gradleak_core.config.races import lane_names, main_differences
from gradleak_core.runs.curves import Curves, read_curves
from gradleak_core.runs.forks import add_start
from gradleak_core.types import JSON
from gradleak_core.verdicts import SEEN, UNFINISHED, duration, seen
from pages._parts import texts
from pages._parts.engine import catalogue, found, service
from pages._parts.race import same_distance
from pages._parts.segments import choose_segment
from pages._parts.speaking import st
from pages._parts.texts import note

HEIGHTS = {"likeness": "Likeness", "distance": "Distance", "psnr": "PSNR", "ssim": "SSIM"}
WIDTHS = {"iterations": "Iterations", "seconds": "Seconds"}
"""What the axes can show, by the names in the address."""
AXES = {
    "likeness": {"title": {"text": "Likeness"}, "range": [0, 1.02]},
    "ssim": {"title": {"text": "SSIM"}},
    "psnr": {"title": {"text": "PSNR in dB"}},
    "distance": {"title": {"text": "Distance of gradients"}, "type": "log", "exponentformat": "power"},
}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
COLOURS = ("#158076", "#C2571A", "#3B82C4", "#A8861A", "#B0568F", "#2F9E5B", "#7C8A90")
"""Colours that stand out on light and dark alike. Further runs have the same colours with other dashes."""
MOST_SETTINGS = 4
"""The most settings that the table has a column for."""
REFRESH = 3
"""Seconds between two drawings while one of the runs goes on."""


def curves_of(rows: Sequence[JSON]) -> None:
    """Asks what to draw, draws it for all runs, and says in a table what differs and what came out."""
    with st.container(horizontal=True):
        height = choose_segment("Upwards", HEIGHTS, "up")
        width = choose_segment("To the right", WIDTHS, "over")
    runs = [row["id"] for row in rows]
    going = any(row["status"] in UNFINISHED for row in rows)
    st.fragment(chart, run_every=REFRESH if going else None)(runs, height, width)
    if height == "distance" and not same_distance(rows):
        note("These attacks measure distance in different ways, so that only the shape of a curve says something.")
    st.subheader("What differs, and what came out")
    st.markdown(texts.table(*differing(rows)))


def chart(runs: Sequence[str], height: str, width: str) -> None:
    """Draws one score of the runs that are still there."""
    rows = [row for run in runs if (row := found(run))]
    curves = [finished_curves(row["id"]) if row["status"] not in UNFINISHED else read_curves(service().store, row["id"])
              for row in rows]  # fmt: skip
    if not any(value is not None for one in curves for value in one[height]):
        st.info("These runs have no such score: they were stored before there was one, or have not begun.")
        return
    drawn = figure(curves, run_names(rows), height, width)
    st.plotly_chart(drawn, key="curves", config={"displaylogo": False}, alt=f"The {height} of {len(rows)} runs.")


@lru_cache(64)
def finished_curves(run: str) -> Curves:
    """Returns the curves of a run that will not change any more."""
    return read_curves(service().store, run)


def run_names(rows: Sequence[JSON]) -> list[str]:
    """Returns the number and the title of each run, what differs between those of one title, and a fork's start."""
    names = []
    for number, row in enumerate(rows, 1):
        alike = [one for one in rows if one["name"] == row["name"]]
        told = lane_names([one["experiment"] for one in alike], catalogue()) if len(alike) > 1 else [""]
        name = f"{number} {row['name']}" + f", {told[alike.index(row)]}" * (len(alike) > 1)
        names.append(add_start(name, row["experiment"]))
    return names


def figure(curves: Sequence[Curves], names: Sequence[str], height: str, width: str) -> JSON:
    """Returns a Plotly figure as plain data: a line a run, and the likeness from which a picture is recognised."""
    lines = [
        {
            "type": "scatter", "mode": "lines+markers", "name": name, "x": one[width], "y": one[height],
            "line": {"width": 2, "color": COLOURS[at % len(COLOURS)], "dash": DASHES[at // len(COLOURS) % len(DASHES)]},
            "marker": {"size": 3}, "hovertemplate": "%{y:.3g} at %{x:.4g}",
        }
        for at, (one, name) in enumerate(zip(curves, names, strict=True))
    ]  # fmt: skip
    layout = {
        "height": 460, "margin": {"l": 60, "r": 20, "t": 20, "b": 50}, "hovermode": "closest", "showlegend": True,
        "legend": {"orientation": "h", "y": -0.18, "yanchor": "top"}, "yaxis": AXES[height],
        "xaxis": {"title": {"text": {"iterations": "Iterations", "seconds": "Seconds of computing"}[width]}},
    }  # fmt: skip
    return {"data": lines, "layout": layout | (finish_line() if height == "likeness" else {})}


def finish_line() -> JSON:
    """Returns the line from which a picture is recognisable, with its word, as part of a layout."""
    at = SEEN["recognisable"]
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at,
            "line": {"dash": "dot", "width": 1.5, "color": "#888888"}}  # fmt: skip
    word = {"xref": "paper", "x": 0, "y": at, "xanchor": "left", "yanchor": "bottom", "text": "recognisable",
            "showarrow": False}  # fmt: skip
    return {"shapes": [line], "annotations": [word]}


def differing(rows: Sequence[JSON]) -> tuple[list[str], list[list[str]]]:
    """Returns the head and the rows of a table with a line a run: its name, what differs, and its numbers."""
    settings = main_differences([row["experiment"] for row in rows], catalogue())[:MOST_SETTINGS]
    head = ["Run", *(texts.escaped(place) for place, _ in settings), "Seen", "Likeness", "PSNR (dB)", "Time"]
    lines = []
    for at, (row, name) in enumerate(zip(rows, run_names(rows), strict=True)):
        result = row["result"] or {}
        metrics = result.get("metrics") or {}
        numbers = ["none" if metrics.get(key) is None else f"{metrics[key]:.{digits}f}"
                   for key, digits in (("likeness", 2), ("psnr", 1))]  # fmt: skip
        values = [texts.escaped(values[at]) for _, values in settings]
        took = "none" if result.get("seconds") is None else duration(result["seconds"])
        lines.append([texts.escaped(name), *values, seen(metrics) or "none", *numbers, took])
    return head, lines
