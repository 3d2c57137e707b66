"""The curves of a run, few enough points of them to be sent or drawn. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradleak_core.runs.exports.recorded import MOST_FRAMES, choose_evenly
from gradleak_core.runs.shapes import is_frame
from gradleak_core.runs.store import Store

SCORES = ("likeness", "distance", "psnr", "ssim")
"""The scores that a chart of several runs can show."""
Curves = dict[str, "list[float | None]"]


def read_curves(store: Store, run: str) -> Curves:
    """Returns `iterations`, `seconds` and each of `SCORES` at some frames of a run, in order and evenly chosen.

    A score that a frame lacks is None. All lists are empty for a run without a frame, or that does not exist.
    """
    heads = [head for head in store.heads(run) if is_frame(head) and head["picture"] is not None]
    chosen = choose_evenly(heads, MOST_FRAMES)
    metrics = [head["picture"].get("metrics", {}) for head in chosen]
    places: Curves = {
        "iterations": [head["picture"]["iteration"] for head in chosen],
        "seconds": [head["seconds"] for head in chosen],
    }
    return places | {name: [row.get(name) for row in metrics] for name in SCORES}


def choose_telling(columns: Mapping[str, Sequence[float | None]], begin: int, most: int) -> list[int]:
    """Returns at most so many places of some curves from `begin` on: the first, the last and what stands out between.

    That is the lowest and the highest value of each curve in each of many equal stretches, as in the browser's charts,
    so that no dip and no spike is lost.
    """
    end = max(map(len, columns.values()), default=0)
    if end - begin <= most:
        return list(range(begin, end))
    stretch = -(-(end - begin) // ((most - 2) // (2 * len(columns))))
    starts = range(begin, end, stretch)
    kept = {at for curve in columns.values() for start in starts for at in _limits(curve, start, start + stretch)}
    return sorted(kept | {begin, end - 1})


def _limits(curve: Sequence[float | None], start: int, stop: int) -> list[int]:
    """Returns the places of the lowest and the highest value of a stretch; none where it has no value."""
    known = [value for value in curve[start:stop] if value is not None]
    return [curve.index(value, start) for value in (min(known), max(known))] if known else []
