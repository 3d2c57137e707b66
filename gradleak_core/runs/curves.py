"""The scores of a run over its iterations and seconds, few enough to draw many runs in one chart. No torch."""

from __future__ import annotations

from gradleak_core.runs.exports.recorded import MOST_FRAMES, choose_evenly
from gradleak_core.runs.service import Service
from gradleak_core.runs.shapes import is_frame

SCORES = ("likeness", "distance", "psnr", "ssim")
"""The scores that a chart of several runs can show."""
Curves = dict[str, "list[float | None]"]


def read_curves(service: Service, run: str) -> Curves:
    """Returns `iterations`, `seconds` and each of `SCORES` at some frames of a run, in order and evenly chosen.

    A score that a frame lacks is None. All lists are empty for a run without a frame, or that does not exist.
    """
    heads = [head for head in service.store.heads(run) if is_frame(head) and head["picture"] is not None]
    chosen = choose_evenly(heads, MOST_FRAMES)
    metrics = [head["picture"].get("metrics", {}) for head in chosen]
    places: Curves = {
        "iterations": [head["picture"]["iteration"] for head in chosen],
        "seconds": [head["seconds"] for head in chosen],
    }
    return places | {name: [row.get(name) for row in metrics] for name in SCORES}
