"""What may be read back from the data folder: rows, frames and prices that have the shape they were written in."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from typing import Any

from gradleak_core.data.files import read_json
from gradleak_core.people import IN_ROOM, UNTOLD
from gradleak_core.types import MOST_STEPS

NUMBER, TEXT = (int, float, type(None)), (str, type(None))
SHAPES: dict[str, Any] = {
    "attack": dict, "model": dict, "images": list, "experiment": dict, "given": int, "given_at": int, "metrics": dict,
    "seconds": NUMBER, "iterations": NUMBER, "redrawn": NUMBER, "seconds_to_recognisable": NUMBER,
    "iterations_to_recognisable": NUMBER, "forecast": NUMBER, "forecast_made": NUMBER, "evidence": dict,
    "verdict": TEXT, "remark": TEXT, "clearest": dict, "device": TEXT, "floor": dict, "title": str, "by": str,
}  # fmt: skip
"""The type of each value that is read of a run's set-up, start and result, wherever it stands."""
DAMAGED_RUN = "This run is damaged: its set-up cannot be read any more. Its pictures are kept until you delete it."
LATEST = 253_402_300_799
"""The last second of the year 9999, after which Python has no dates."""
PRICE = {"status", "message", "note", "points", "planned", "experiment", "federation"}
"""The keys that the file of a price holds at least."""
PRICE_STATUSES = ["running", "done", "failed", "stopped", "interrupted"]


def check_shape(value: Any) -> None:
    """Raises ValueError unless a value is a JSON object whose values have the types that `SHAPES` gives."""
    if not isinstance(value, dict) or not all(isinstance(value[k], SHAPES[k]) for k in value.keys() & SHAPES):
        raise ValueError("this is not what a run consists of")
    numbers = [number for name in ("metrics", "evidence") for number in value.get(name, {}).values()]
    if not all(isinstance(number, NUMBER) for number in numbers):
        raise ValueError("a score is no number")


def check_date(created: Any) -> float:
    """Returns a number of seconds since 1970 if it is a date. Raises ValueError or TypeError."""
    seconds = float(created)
    if not 0 <= seconds <= LATEST:
        raise ValueError("this is no date")
    return seconds


def is_frame(frame: Any) -> bool:
    """Returns whether a value is the head of a frame, with numbers for numbers and within the longest possible run."""
    try:
        curve, picture = frame["curve"], frame["picture"]
        columns = list(curve["columns"].values())
        last = curve["first"] - 1 + max(map(len, columns), default=0)
        numbers = [curve["first"], frame["seconds"], *(value for column in columns for value in column)]
        if picture is not None:
            numbers += [picture["iteration"], *picture.get("metrics", {}).values()]
        first, shown = curve["first"], last if picture is None else picture["iteration"]
        return 1 <= first <= last <= MOST_STEPS and shown <= last and all(isinstance(n, NUMBER) for n in numbers)
    except (KeyError, TypeError, AttributeError):
        return False


def is_price(value: Any) -> bool:
    """Returns whether a value is the content of a price's file, as far as it is read."""
    kinds: dict[str, Any] = {"message": TEXT, "note": TEXT, "points": list, "planned": int, "federation": dict}
    if not isinstance(value, dict) or not value.keys() >= PRICE or value["status"] not in PRICE_STATUSES:
        return False
    if not all(isinstance(value[name], kind) for name, kind in kinds.items()):
        return False
    if not all(isinstance(value.get(name), NUMBER) for name in ("begun", "seconds", "forecast")):
        return False
    return all(map(_is_point, [*value["points"], *([value["draft"]] if value.get("draft") else [])]))


def _is_row(value: Any, kind: Any) -> bool:
    """Returns whether a value is a list of one or more values of a kind."""
    return isinstance(value, list) and value != [] and all(isinstance(one, kind) for one in value)


def _is_point(point: Any) -> bool:
    """Returns whether a value is a point of a price, or a draft of one.

    Those of former versions have no pictures, or one accuracy instead of one for each training.
    """
    return (
        isinstance(point, dict)
        and isinstance(point.get("defences"), list)
        and all(isinstance(part, dict) and isinstance(part.get("kind"), str) for part in point["defences"])
        and all(isinstance(point.get(name), (int, float)) for name in ("accuracy", "psnr", "ssim"))
        and isinstance(point.get("likeness"), NUMBER)
        and isinstance(point.get("lr"), NUMBER)
        and all(_is_row(point.get(name, [0]), (int, float)) for name in ("accuracies", "rounds"))
        and isinstance(point.get("pictures", []), list)
        and all(isinstance(picture, str) for picture in point.get("pictures", []))
    )


def decode_row(row: sqlite3.Row) -> dict[str, Any]:
    """Returns a row with its JSON columns decoded, and `iteration` 0 before the first frame.

    A row that cannot be read, or not be passed on as JSON, has the status `damaged` and an empty experiment.
    """
    values = dict(row) | {"iteration": row["iteration"] or 0, "tags": read_tags(row["tags"])}
    try:
        for name in ("experiment", "started", "result", "race"):
            values[name] = None if values[name] is None else read_json(values[name])
            if name == "experiment" or values[name] is not None:
                check_shape(values[name])
        json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
        values["created"] = check_date(values["created"])
    except (ValueError, TypeError, RecursionError):
        return describe_damaged(values)
    return values


def read_tags(text: Any) -> list[str]:
    """Returns the tags of a run from their column; none where there are none, or where they cannot be read."""
    with suppress(ValueError, TypeError, RecursionError):
        tags = read_json(text) if text else []
        if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
            json.dumps(tags, ensure_ascii=False).encode()
            return tags
    return []


def describe_damaged(values: dict[str, Any]) -> dict[str, Any]:
    """Returns what can be said of a damaged row, as a row."""
    named = {"id": str(values["id"]), "name": str(values["name"]), "tags": values["tags"]}
    named |= {column: values[column] for column in (*UNTOLD, *IN_ROOM) if column in values}
    known = named | {"status": "damaged", "message": DAMAGED_RUN}
    created = 0.0
    with suppress(ValueError, TypeError):
        created = check_date(values["created"])
    return known | {"created": created, "experiment": {}, "started": None, "result": None, "race": None, "iteration": 0}
