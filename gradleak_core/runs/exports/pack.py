"""The replay pack: a run or a race as one HTML file with scrubber and curves, which needs no network."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from gradleak_core.runs.curves import choose_telling
from gradleak_core.runs.exports.raced import Raced, frame_place, shown_at
from gradleak_core.runs.exports.recorded import Columns, choose_evenly, describe_setup, from_data_url, write_score
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.recording import data_url
from gradleak_core.types import JSON
from gradleak_core.verdicts import SEEN, recognisable, seen, word

MOST_OF_A_PACK = 5_000_000
"""The most bytes of a replay pack."""
ROOM = 4_200_000
"""The most bytes of its pictures, in base 64."""
POINTS = 1000
"""The most points of a curve."""
FEWEST = 48
"""The pictures below which they are written smaller instead of being left out."""
TEMPLATE_FILE = Path(__file__).with_name("replay.html")


def make_pack(race: Raced) -> str:
    """Returns an HTML page of less than 5 MB that replays a race, or a run as its only lane, without a network."""
    frames = fit_frames(race)
    shared = next((lane.value["truth"] for lane in race.lanes if race.truth and lane.value.get("truth")), None)
    value = {
        "title": race.title,
        "verdict": race.verdict,
        "recognisable": any(recognisable(lane.result.get("metrics") or {}) for lane in race.lanes),
        "facts": list_facts(race),
        "setup": list_setup(race),
        "experiment": [lane.experiment for lane in race.lanes] if race.value["names"][1:] else race.lanes[0].experiment,
        "by": race.by,
        "clear": SEEN["recognisable"],
        "truth": shared,
        "batch": race.batch,
        "lanes": [
            {
                "name": name,
                "said": lane.verdict,
                "batch": lane.batch,
                "labels": lane.head.get("labels") or [],
                "truth": None if shared else lane.value.get("truth"),
                "curve": thin_curve(lane.columns),
                "frames": chosen,
            }
            for name, lane, chosen in zip(race.value["names"], race.lanes, frames, strict=True)
        ],
    }
    text = json.dumps(finite(value), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return TEMPLATE_FILE.read_text(encoding="utf-8").replace("__RECORDING__", text)


def thin_curve(columns: Columns) -> JSON:
    """Returns the curve of a lane by the iterations that tell most of it."""
    kept = choose_telling(columns, 0, POINTS)
    return {"iterations": [i + 1 for i in kept], "columns": {k: thin(v, kept) for k, v in columns.items()}}


def thin(values: list[float | None], kept: list[int]) -> list[float | None]:
    """Returns the values of some iterations, at five significant digits."""
    chosen = [values[i] if i < len(values) else None for i in kept]
    return [None if value is None else float(f"{value:.5g}") for value in chosen]


def list_facts(race: Raced) -> list[str]:
    """Returns short facts: of a race its clock; of a run how it ended, iterations, time and device, where known."""
    lane, *others = race.lanes
    if others:
        shared = str(race.value.get("shared") or "")
        return [f"{len(race.lanes)} lanes at the same {race.by}", *([f"in all: {shared}"] if shared else [])]
    result = lane.result
    facts = [word(str(result.get("status") or lane.head.get("status") or ""))]
    facts += [f"{result['iterations']} iterations"] if result.get("iterations") else []
    facts += [f"{result['seconds']:.1f} s"] if result.get("seconds") else []
    return [*filter(None, facts), *([f"on {result['device']}"] if result.get("device") else [])]


def list_setup(race: Raced) -> list[str]:
    """Returns the set-up in short lines: those of all lanes first, then what each lane has beside them."""
    described = [describe_setup(lane) for lane in race.lanes]
    common = [line for line in described[0] if all(line in lines for lines in described)]
    own = [", ".join(line for line in lines if line not in common) for lines in described]
    return common + [f"Lane {number}: {said}" for number, said in enumerate(own, 1) if said]


def fit_frames(race: Raced) -> list[list[JSON]]:
    """Returns the frames of each lane at as many moments, evenly chosen, as there is room for.

    Large pictures are written smaller before any are left out below `FEWEST` moments.
    """
    lanes = [[frame for frame, _ in lane.shown] for lane in race.lanes]
    chosen = lanes
    if size_of_pictures(lanes) > ROOM:
        if size_of_pictures(choose_frames(race, lanes, FEWEST)) > ROOM:
            few = choose_frames(race, lanes, FEWEST)
            lanes = [[frame | {"picture": shrink(frame["picture"])} for frame in frames] for frames in few]
        most = max(map(len, lanes), default=0)
        chosen = choose_frames(race, lanes, most)
        while most > 2 and size_of_pictures(chosen) > ROOM:
            most = most * 4 // 5
            chosen = choose_frames(race, lanes, most)
    names = ("iteration", "labels", "metrics", "seconds", "picture")
    return [
        [{name: frame.get(name) for name in names} | describe_frame(frame.get("metrics") or {}) for frame in frames]
        for frames in chosen
    ]


def describe_frame(metrics: JSON) -> JSON:
    """Returns what is said of a frame: the word for what is `seen`, and the `score` that says so."""
    return {"seen": seen(metrics), "score": write_score(metrics)}


def choose_frames(race: Raced, lanes: list[list[JSON]], most: int) -> list[list[JSON]]:
    """Returns the frames of each lane that are its newest at one of at most so many moments."""
    places = sorted({frame_place(frame, race.by) for frames in lanes for frame in frames})
    moments = choose_evenly(places, most) if most > 1 else places
    kept = [shown_at(frames, moments, race.by) for frames in lanes]
    return [[f for f in frames if f["iteration"] in own] for frames, own in zip(lanes, kept, strict=True)]


def size_of_pictures(lanes: list[list[JSON]]) -> int:
    """Returns the bytes of the pictures of some frames."""
    return sum(len(frame["picture"]) for frames in lanes for frame in frames)


def shrink(address: str) -> str:
    """Returns a picture, given as a `data:` address, as a WebP that takes much less room."""
    out = io.BytesIO()
    Image.open(io.BytesIO(from_data_url(address))).convert("RGB").save(out, "WEBP", quality=50, method=2)
    return data_url(out.getvalue())
