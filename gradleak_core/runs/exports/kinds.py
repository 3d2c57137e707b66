"""The files that a run or a race can be taken home as, by the ending of their names. Imports no torch."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from gradleak_core.data.uploads import encode_png
from gradleak_core.runs.exports.drawing import Drawing
from gradleak_core.runs.exports.moving import ANIMATED_SCALE, draw_gif, draw_mp4
from gradleak_core.runs.exports.pack import make_pack
from gradleak_core.runs.exports.race_film import RaceFilm
from gradleak_core.runs.exports.race_sheet import draw_race_sheet
from gradleak_core.runs.exports.raced import Raced, race_of_run
from gradleak_core.runs.exports.recorded import Recorded, choose_evenly
from gradleak_core.runs.exports.script import write_script
from gradleak_core.runs.exports.sheet import draw_sheet
from gradleak_core.runs.exports.tables import curve_csv
from gradleak_core.types import JSON, Refused

MOST_KEPT = 61
"""The most pictures in an archive."""


class ExportKind(NamedTuple):
    """A kind of file: what makes one of a run, what makes one of a race, if that is possible, and its media type."""

    make: Callable[[Recorded], bytes | str]
    make_of_race: Callable[[Raced], bytes | str] | None
    media: str


def archive(recorded: Recorded) -> bytes:
    """Returns a zip of all that is quickly made of a run: everything but the video."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        pack_run(file, "", recorded)
    return out.getvalue()


def archive_race(race: Raced) -> bytes:
    """Returns a zip of a race: race.json, the race side by side, and in a folder for each lane what `archive` has."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        again = {"title": race.title, "by": race.by, "lanes": race.value["experiments"]}
        file.writestr("race.json", json.dumps(again, indent=2))
        if race.moments:
            file.writestr("race.gif", draw_gif(RaceFilm(race, ANIMATED_SCALE)))
            file.writestr("race.png", draw_race_sheet(race))
            file.writestr("race.html", make_pack(race))
        for name, lane in zip(race.names, race.lanes, strict=True):
            plain = re.sub(r"[^0-9a-z.]+", "-", name.lower()).strip("-.")[:42].strip("-.")
            pack_run(file, f"{plain}/", lane)
    return out.getvalue()


def pack_run(file: zipfile.ZipFile, folder: str, recorded: Recorded) -> None:
    """Writes a run into a folder of a zip.

    It holds experiment.json, result.json and curve.csv; truth.png and frames/<iteration>.png; and, of a run with
    pictures, animation.gif, contact_sheet.png and replay.html; and repeat.py where there is a set-up to repeat.
    """
    file.writestr(f"{folder}experiment.json", json.dumps(recorded.experiment, indent=2))
    file.writestr(f"{folder}result.json", json.dumps(recorded.value.get("result"), indent=2))
    file.writestr(f"{folder}curve.csv", curve_csv(recorded))
    if recorded.experiment and not recorded.experiment.get("fork"):
        file.writestr(f"{folder}repeat.py", write_script(recorded))
    if recorded.truth is not None:
        file.writestr(f"{folder}truth.png", encode_png(recorded.truth))
    for numbers, image in choose_evenly(recorded.shown, MOST_KEPT):
        file.writestr(f"{folder}frames/{numbers['iteration']:06}.png", encode_png(image))
    if recorded.shown:
        file.writestr(f"{folder}animation.gif", draw_gif(Drawing(recorded, ANIMATED_SCALE)))
        file.writestr(f"{folder}contact_sheet.png", draw_sheet(recorded))
        file.writestr(f"{folder}replay.html", make_pack(race_of_run(recorded)))


EXPORTS = {
    "mp4": ExportKind(lambda run: draw_mp4(Drawing(run)), lambda race: draw_mp4(RaceFilm(race)), "video/mp4"),
    "gif": ExportKind(
        lambda run: draw_gif(Drawing(run, ANIMATED_SCALE)),
        lambda race: draw_gif(RaceFilm(race, ANIMATED_SCALE)), "image/gif",
    ),
    "png": ExportKind(draw_sheet, draw_race_sheet, "image/png"),
    "html": ExportKind(lambda run: make_pack(race_of_run(run)), make_pack, "text/html"),
    "py": ExportKind(write_script, None, "text/x-python"),
    "csv": ExportKind(curve_csv, None, "text/csv"),
    "zip": ExportKind(archive, archive_race, "application/zip"),
}  # fmt: skip
"""By the ending: video, animation, contact sheet, replay pack, script, table and all of it but the video."""
RACE_KINDS = tuple(kind for kind, row in EXPORTS.items() if row.make_of_race)
"""The endings that a race has."""


def write_export(kind: str, recording: JSON) -> bytes:
    """Returns a file of a kind, made of the recording of a run or, with `lanes`, of a race.

    Raises `Refused` where it does not have what the file takes.
    """
    row = EXPORTS[kind]
    if "lanes" not in recording:
        made = row.make(Recorded(recording))
    elif row.make_of_race is not None:
        made = row.make_of_race(Raced(recording))
    else:
        raise Refused("There is no such file of a race; take one of a lane's run.")
    return made.encode() if isinstance(made, str) else made
