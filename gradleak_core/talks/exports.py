"""A talk with its recordings as a file to take along: a film, or stills. Imports no torch."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from gradleak_core.data.uploads import encode_png
from gradleak_core.runs.exports.moving import make_video
from gradleak_core.talks.film import TalkFilm
from gradleak_core.talks.recordings import load_recording
from gradleak_core.types import JSON, Refused


def gather_talk(talk: JSON, find: Callable[[str], Path | None]) -> JSON:
    """Returns a talk whose chapters have what was `recorded` of each, None where there is no recording to be read."""
    return talk | {"chapters": [chapter | {"recorded": read_recorded(chapter, find)} for chapter in talk["chapters"]]}


def read_recorded(chapter: JSON, find: Callable[[str], Path | None]) -> JSON | None:
    """Returns the recording of a chapter that shows a run or a race; None where it has none that can be read."""
    file = find(chapter["recording"]) if chapter["recording"] and chapter["show"] in ("run", "race") else None
    if file is None:
        return None
    try:
        return load_recording(file)
    except Refused:
        return None


def require_chapters(whole: JSON) -> None:
    """Raises `Refused` for a talk without chapters."""
    if not whole["chapters"]:
        raise Refused("This talk has no chapters yet; add one first.")


def draw_talk(whole: JSON) -> bytes:
    """Returns a gathered talk as an MP4. Raises `Refused` where no video can be made."""
    film = TalkFilm(whole)
    return make_video(film, film.moments)


def draw_stills(whole: JSON) -> Iterator[tuple[str, bytes]]:
    """Yields a name and a PNG of 1920 × 1080 pixels for each chapter of a gathered talk."""
    film = TalkFilm(whole)
    for place, chapter in enumerate(whole["chapters"]):
        plain = re.sub(r"[^a-z0-9]+", "-", chapter["title"].lower()).strip("-")[:48].strip("-")
        yield f"{place + 1:02}-{plain or 'chapter'}.png", encode_png(film.still(place))


def pack_stills(whole: JSON) -> bytes:
    """Returns the stills of a gathered talk as a zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in draw_stills(whole):
            file.writestr(name, data)
    return out.getvalue()


TALK_EXPORTER = "gradleak_core.talks"
"""The program that makes the files of talks."""
TALK_EXPORTS: dict[str, tuple[Callable[[JSON], bytes], str]] = {
    "mp4": (draw_talk, "video/mp4"),
    "zip": (pack_stills, "application/zip"),
}
"""By the ending: what makes the file of a gathered talk, and its media type."""


def write_talk_export(kind: str, whole: JSON) -> bytes:
    """Returns a gathered talk as a file of a kind. Raises `Refused` where it cannot be made."""
    require_chapters(whole)
    return TALK_EXPORTS[kind][0](whole)
