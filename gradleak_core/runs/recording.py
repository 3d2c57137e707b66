"""One run as a single JSON value, pictures included. Imports no torch."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from gradleak_core.runs.hub import Trace
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.shapes import is_frame
from gradleak_core.runs.store import Store


def make_recording(row: Any, trace: Trace, store: Store) -> dict[str, Any]:
    """Returns the experiment of a run, its result, its curve and every frame whose picture is kept, as JSON."""
    pictures, tiles, truth = dict(store.pictures(row["id"])), find_tiles(store.heads(row["id"])), store.truth(row["id"])
    frames = [
        frame | {"picture": data_url(pictures[frame["iteration"]]), "tiles": tiles.get(frame["iteration"])}
        for frame in trace.frames
        if frame["iteration"] in pictures
    ]
    head = unpack_live(trace.since(trace.last))[0] | {"update": trace.head.get("update")}
    return {
        "experiment": row["experiment"], "result": row["result"], "head": head,
        "curve": {"first": 1, "columns": trace.columns}, "frames": frames, "truth": data_url(truth) if truth else None,
    }  # fmt: skip


def find_tiles(heads: Iterable[Any]) -> dict[int, str]:
    """Returns the tiles of the guess's update, as they were sent, by iteration; frames of before have none."""
    pictures = [head["picture"] or {} for head in heads if is_frame(head)]
    return {picture["iteration"]: picture["tiles"] for picture in pictures if isinstance(picture.get("tiles"), str)}


def data_url(picture: bytes) -> str:
    """Returns an encoded picture as a `data:` URL."""
    return f"data:{media_type(picture)};base64,{base64.b64encode(picture).decode()}"


def media_type(picture: bytes) -> str:
    """Returns the media type of an encoded picture, which is a PNG or a WebP."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/webp"
