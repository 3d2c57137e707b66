"""The recordings of a talk's chapters: made small, and held against the set-up and the title. Imports no torch."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from gradleak_core.runs.curves import choose_telling
from gradleak_core.runs.exports.raced import Raced, race_of_run
from gradleak_core.runs.exports.recorded import (
    Recorded,
    choose_by_change,
    choose_iterations,
    from_data_url,
    open_readable,
)
from gradleak_core.runs.protocol import encode, finite
from gradleak_core.runs.recording import data_url
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import duration, recognisable, seen

MOST_RECORDED = 150
"""The most pictures of a recording, of all lanes together."""
USUAL_RECORDED = 60
FEWEST_OF_A_LANE = 16
"""The pictures that a lane has at least, of a batch too."""
CURVE_POINTS = 300
"""The most points of a recording's curves."""
SHARPNESS = 88
"""The quality of the pictures on the way, as WebP; the private one and the last stay as they are."""
HEAD_FIELDS = ("status", "steps", "restarts", "losses", "labels", "batch", "shape", "floor", "seconds", "message")
FRAME_FIELDS = ("iteration", "labels", "metrics", "seconds", "recognised", "forecast", "redrawn", "picture")
RACE_FIELDS = ("by", "names", "shared", "titles", "experiments")


def slim_recording(recording: JSON, title: str, most: int = USUAL_RECORDED) -> JSON:
    """Returns the recording of a run or a race under a title, small enough to lie beside a talk.

    It has at most so many pictures, from one to the next of which about as much changes, and no tiles.
    """
    if "lanes" not in recording:
        return finite(slim_run(recording, most) | {"title": title})
    each = max(FEWEST_OF_A_LANE, most // len(recording["lanes"]))
    kept = {name: recording[name] for name in RACE_FIELDS}
    return finite({"title": title, **kept, "lanes": [slim_run(lane, each) for lane in recording["lanes"]]})


def slim_run(recording: JSON, most: int) -> JSON:
    """Returns the recording of one run with so many pictures, fewer of a batch, and with the curves' telling points."""
    frames = [frame for frame in recording["frames"] if frame.get("picture")]
    room = max(min(most, FEWEST_OF_A_LANE), round(most / math.sqrt(recording["head"].get("batch") or 1)))
    chosen = choose_iterations(frames, min(room, len(frames)), choose_by_change) if frames else []
    kept = [frame for frame in frames if frame["iteration"] in chosen]
    small = [shorten_frame(frame, last=frame is kept[-1]) for frame in kept]
    columns = recording["curve"]["columns"]
    places = choose_telling(columns, 0, CURVE_POINTS)
    iterations = recording["curve"].get("iterations") or [place + 1 for place in range(max(places, default=-1) + 1)]
    return {
        "title": recording["title"],
        "experiment": recording["experiment"],
        "result": recording["result"],
        "head": {name: recording["head"][name] for name in HEAD_FIELDS if name in recording["head"]},
        "curve": {
            "first": 1,
            "iterations": [iterations[place] for place in places],
            "columns": {name: [shorten(values[at]) for at in places] for name, values in columns.items()},
        },
        "frames": small,
        "truth": recording["truth"],
    }


def shorten_frame(frame: JSON, *, last: bool) -> JSON:
    """Returns what the stage shows of a frame: its numbers, and its picture as a small WebP unless it is the last."""
    short_one = {name: frame[name] for name in FRAME_FIELDS if name in frame}
    short_one["metrics"] = {name: shorten(value) for name, value in (frame.get("metrics") or {}).items()}
    small = last or frame["picture"].startswith("data:image/webp")
    image = None if small else open_readable(from_data_url(frame["picture"]))
    if image is not None:
        out = io.BytesIO()
        image.save(out, "WEBP", quality=SHARPNESS, method=6)
        smaller = data_url(out.getvalue())
        short_one["picture"] = min(smaller, frame["picture"], key=len)
    return short_one


def shorten(value: float | None) -> float | None:
    """Returns a number at four significant digits."""
    return None if value is None else float(f"{value:.4g}")


def lanes_of(recording: JSON) -> list[Recorded]:
    """Returns the recordings of a race's lanes, or that of a run alone."""
    return raced(recording).lanes


def raced(recording: JSON) -> Raced:
    """Returns the recording of a run or a race as a race."""
    return Raced(recording) if "lanes" in recording else race_of_run(Recorded(recording))


def load_recording(file: Path) -> JSON:
    """Returns the recording in a file. Raises `Refused` for one that cannot be read."""
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise Refused(f"recording: {file.name} cannot be read; rehearse the talk.") from error
    lanes = value.get("lanes", [value]) if isinstance(value, dict) else []
    if not lanes or not all(isinstance(lane, dict) and {"frames", "head", "truth"} <= lane.keys() for lane in lanes):
        raise Refused(f"recording: {file.name} holds no recording of a run or a race.")
    return value


def dump_recording(recording: JSON) -> bytes:
    """Returns a recording as the bytes of its file."""
    return encode(recording) + b"\n"


def is_of(recording: JSON, experiments: Sequence[JSON], renew: Callable[[JSON], JSON]) -> bool:
    """Returns whether a recording was made of these set-ups, on however many threads.

    `renew` gives an older set-up what it lacks today.
    """
    recorded = [lane.experiment for lane in lanes_of(recording)]
    try:
        return [renew(one) | {"threads": 0} for one in recorded] == [one | {"threads": 0} for one in experiments]
    except Refused:
        return False


def outcome(lane: Recorded) -> str:
    """Returns what came of a recorded run: `leaks`, `holds`, or `any` where it was recognisable only for a while."""
    if recognisable(lane.result.get("metrics") or {}):
        return "leaks"
    return "holds" if lane.result.get("seconds_to_recognisable") is None else "any"


OUTCOME_WORDS = {"leaks": "comes back", "holds": "stays hidden"}
"""The outcomes in the words of a sentence on a picture."""


def find_surprises(chapter: JSON, recording: JSON) -> list[str]:
    """Returns a sentence on each picture of which something else came than the chapter's title says, and on its time.

    The sentences follow the name of the chapter and a colon.
    """
    lanes, said = lanes_of(recording), []
    for number, (wanted, lane) in enumerate(zip(chapter["expect"], lanes, strict=False), 1):
        if wanted != "any" and outcome(lane) != wanted:
            whose = f"the picture of lane {number}" if len(lanes) > 1 else "the picture"
            said.append(f"the title says that {whose} {OUTCOME_WORDS[wanted]}, and in the end it was {word_of(lane)}.")
    seconds = seconds_of(recording)
    if seconds > 60 * chapter["minutes"]:
        said.append(f"it took {duration(seconds)}, and the chapter has {duration(60 * chapter['minutes'])}.")
    return said


def word_of(lane: Recorded) -> str:
    """Returns the word for what is seen of the private picture at the end of a run: outline, near copy."""
    found = seen(lane.result.get("metrics") or {}) or "without a picture"
    return {"nothing": "not to be seen", "outline": "an outline", "near copy": "a near copy"}.get(found, found)


def seconds_of(recording: JSON) -> float:
    """Returns the seconds of computing of a recorded run, or of all lanes of a race."""
    return float(sum(lane.result.get("seconds") or 0.0 for lane in lanes_of(recording)))


def name_recording(chapter: JSON, number: int, taken: Sequence[str]) -> str:
    """Returns the name of the file for a chapter's recording: the one that it has, else one made of its title."""
    if chapter["recording"]:
        return str(chapter["recording"])
    plain = re.sub(r"[^a-z0-9]+", "-", chapter["title"].lower()).strip("-")[:40].strip("-") or "chapter"
    return f"{plain}.json" if f"{plain}.json" not in taken else f"{plain}-{number}.json"
