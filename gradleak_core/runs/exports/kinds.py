"""The files that a run can be taken home as, by the ending of their names. Imports no torch."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from gradleak_core.data.uploads import encode_png
from gradleak_core.runs.exports.moving import draw_gif, draw_mp4
from gradleak_core.runs.exports.pack import make_pack
from gradleak_core.runs.exports.recorded import Recorded, choose_evenly
from gradleak_core.runs.exports.script import write_script
from gradleak_core.runs.exports.sheet import draw_sheet
from gradleak_core.runs.exports.tables import curve_csv
from gradleak_core.types import JSON

MOST_KEPT = 61
"""The most pictures in an archive."""


class ExportKind(NamedTuple):
    """A kind of file: the function that makes one of a recording, and its media type."""

    make: Callable[[Recorded], bytes | str]
    media: str


def archive(recorded: Recorded) -> bytes:
    """Returns a zip of all that is quickly made of a run: everything but the video.

    It holds experiment.json, result.json and curve.csv; truth.png and frames/<iteration>.png; and, of a run with
    pictures, animation.gif, contact_sheet.png and replay.html; and repeat.py where there is a set-up to repeat.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("experiment.json", json.dumps(recorded.experiment, indent=2))
        file.writestr("result.json", json.dumps(recorded.value.get("result"), indent=2))
        file.writestr("curve.csv", curve_csv(recorded))
        if recorded.experiment and not recorded.experiment.get("fork"):
            file.writestr("repeat.py", write_script(recorded))
        if recorded.truth is not None:
            file.writestr("truth.png", encode_png(recorded.truth))
        for numbers, image in choose_evenly(recorded.shown, MOST_KEPT):
            file.writestr(f"frames/{numbers['iteration']:06}.png", encode_png(image))
        if recorded.shown:
            file.writestr("animation.gif", draw_gif(recorded))
            file.writestr("contact_sheet.png", draw_sheet(recorded))
            file.writestr("replay.html", make_pack(recorded))
    return out.getvalue()


EXPORTS = {
    "mp4": ExportKind(draw_mp4, "video/mp4"),
    "gif": ExportKind(draw_gif, "image/gif"),
    "png": ExportKind(draw_sheet, "image/png"),
    "html": ExportKind(make_pack, "text/html"),
    "py": ExportKind(write_script, "text/x-python"),
    "csv": ExportKind(curve_csv, "text/csv"),
    "zip": ExportKind(archive, "application/zip"),
}
"""By the ending: video, animation, contact sheet, replay pack, script, table and all of it but the video."""


def write_export(kind: str, recording: JSON) -> bytes:
    """Returns a file of a kind, made of a recording. Raises `Refused` where the run does not have what it takes."""
    made = EXPORTS[kind].make(Recorded(recording))
    return made.encode() if isinstance(made, str) else made
