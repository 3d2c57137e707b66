"""The files that a run can be taken home as, by the ending of their names. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gradleak_core.runs.exports.archive import archive
from gradleak_core.runs.exports.moving import draw_gif, draw_mp4
from gradleak_core.runs.exports.pack import make_pack
from gradleak_core.runs.exports.recorded import Recorded
from gradleak_core.runs.exports.script import write_script
from gradleak_core.runs.exports.sheet import draw_sheet
from gradleak_core.runs.exports.tables import curve_csv
from gradleak_core.types import JSON


class ExportKind(NamedTuple):
    """A kind of file: the function that makes one of a recording, and its media type."""

    make: Callable[[Recorded], bytes | str]
    media: str


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
