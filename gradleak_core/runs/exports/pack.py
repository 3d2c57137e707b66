"""The replay pack: a run as one HTML file with scrubber and curves, which works from disk and needs no network."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from gradleak_core.runs.curves import choose_telling
from gradleak_core.runs.exports.recorded import Recorded, choose_evenly, describe_setup, from_data_url
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.recording import data_url
from gradleak_core.types import JSON
from gradleak_core.verdicts import recognisable, seen, word

MOST_OF_A_PACK = 5_000_000
"""The most bytes of a replay pack."""
ROOM = 4_200_000
"""The most bytes of its pictures, in base 64."""
POINTS = 1000
"""The most points of a curve."""
FEWEST = 48
"""The pictures below which they are written smaller instead of being left out."""
TEMPLATE_FILE = Path(__file__).with_name("replay.html")


def make_pack(recorded: Recorded) -> str:
    """Returns an HTML page of less than 5 MB that replays a run in any browser, without a network."""
    columns = recorded.columns
    kept = choose_telling(columns, 0, POINTS)
    curve = {"iterations": [i + 1 for i in kept], "columns": {k: thin(v, kept) for k, v in columns.items()}}
    value = {
        "title": recorded.title,
        "verdict": recorded.verdict,
        "recognisable": recognisable(recorded.result.get("metrics") or {}),
        "facts": list_facts(recorded),
        "setup": describe_setup(recorded),
        "experiment": recorded.experiment,
        "result": recorded.value.get("result"),
        "batch": recorded.batch,
        "labels": recorded.head.get("labels") or [],
        "curve": curve,
        "frames": fit_frames(recorded),
        "truth": recorded.value.get("truth"),
    }
    text = json.dumps(finite(value), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return TEMPLATE_FILE.read_text(encoding="utf-8").replace("__RECORDING__", text)


def thin(values: list[float | None], kept: list[int]) -> list[float | None]:
    """Returns the values of some iterations, at five significant digits."""
    chosen = [values[i] if i < len(values) else None for i in kept]
    return [None if value is None else float(f"{value:.5g}") for value in chosen]


def list_facts(recorded: Recorded) -> list[str]:
    """Returns short facts of a run: how it ended, iterations, time and device, as far as they are known."""
    result = recorded.result
    facts = [word(str(result.get("status") or recorded.head.get("status") or ""))]
    facts += [f"{result['iterations']} iterations"] if result.get("iterations") else []
    facts += [f"{result['seconds']:.1f} s"] if result.get("seconds") else []
    return [*filter(None, facts), *([f"on {result['device']}"] if result.get("device") else [])]


def fit_frames(recorded: Recorded) -> list[JSON]:
    """Returns as many frames, evenly chosen, as there is room for; large pictures are written smaller first."""
    frames = [frame for frame, _ in recorded.shown]
    known = {frame["iteration"]: frame["picture"] for frame in frames}
    if size_of_pictures(frames, known) > ROOM and size_of_pictures(choose_evenly(frames, FEWEST), known) > ROOM:
        frames = choose_evenly(frames, FEWEST)
        known = {frame["iteration"]: shrink(frame["picture"]) for frame in frames}
    most = len(frames)
    while most > 2 and size_of_pictures(choose_evenly(frames, most), known) > ROOM:
        most = most * 4 // 5
    chosen = choose_evenly(frames, most) if most > 1 else frames
    return [
        {name: frame.get(name) for name in ("iteration", "labels", "metrics", "seconds")}
        | {"picture": known[frame["iteration"]], "seen": seen(frame.get("metrics") or {})}
        for frame in chosen
    ]


def size_of_pictures(frames: list[JSON], pictures: dict[int, str]) -> int:
    """Returns the bytes of the pictures of some frames."""
    return sum(len(pictures[frame["iteration"]]) for frame in frames)


def shrink(address: str) -> str:
    """Returns a picture, given as a `data:` address, as a WebP that takes much less room."""
    out = io.BytesIO()
    Image.open(io.BytesIO(from_data_url(address))).convert("RGB").save(out, "WEBP", quality=50, method=2)
    return data_url(out.getvalue())
