"""One run as a single JSON value, pictures included. Imports no torch."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from typing import Any

from gradleak_core.runs.hub import Trace
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.shapes import is_frame
from gradleak_core.runs.store import Store


def make_recording(row: Any, trace: Trace, store: Store, chosen: Collection[int] | None = None) -> dict[str, Any]:
    """Returns the name of a run, its experiment, its result, its curve and every frame with its picture, as JSON.

    The frames are those whose picture is kept. With `chosen` they are all, without tiles, and only the frames of these
    iterations have a picture.
    """
    pictures, truth = dict(store.pictures(row["id"], chosen)), store.truth(row["id"])
    tiles = find_tiles(store.heads(row["id"])) if chosen is None else {}
    frames = [
        frame | {"picture": data_url(pictures[at]) if at in pictures else None, "tiles": tiles.get(at)}
        for frame in trace.frames
        if (at := frame["iteration"]) in pictures or chosen is not None
    ]
    head = unpack_live(trace.since(trace.last))[0] | {"update": trace.head.get("update")}
    return {
        "title": row["name"], "experiment": row["experiment"], "result": row["result"], "head": head,
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
