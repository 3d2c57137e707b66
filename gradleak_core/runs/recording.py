"""One run as a single JSON value, pictures included. Imports no torch."""

from __future__ import annotations

import base64
from typing import Any

from gradleak_core.runs.hub import Trace
from gradleak_core.runs.protocol import unpack_live


def make_recording(row: Any, trace: Trace, pictures: dict[int, bytes], truth: bytes | None) -> dict[str, Any]:
    """Returns the experiment of a run, its result, its curve and every frame whose picture is kept, as JSON."""
    frames = [
        frame | {"picture": data_url(pictures[frame["iteration"]])}
        for frame in trace.frames
        if frame["iteration"] in pictures
    ]
    return {
        "experiment": row["experiment"], "result": row["result"], "head": unpack_live(trace.since(trace.last))[0],
        "curve": {"first": 1, "columns": trace.columns}, "frames": frames, "truth": data_url(truth) if truth else None,
    }  # fmt: skip


def data_url(picture: bytes) -> str:
    """Returns an encoded picture as a `data:` URL."""
    return f"data:{media_type(picture)};base64,{base64.b64encode(picture).decode()}"


def media_type(picture: bytes) -> str:
    """Returns the media type of an encoded picture, which is a PNG or a WebP."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/webp"
