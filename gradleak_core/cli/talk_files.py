"""`talk export`: writes a talk as a page, a film, or pictures for slides."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from gradleak_core.api.talk_page import make_talk_page
from gradleak_core.cli.attack import FAILED, check_writable
from gradleak_core.cli.talk_check import finder, read_talk_bytes
from gradleak_core.talks.exports import draw_stills, gather_talk, require_chapters, write_talk_export
from gradleak_core.talks.form import parse_talk
from gradleak_core.types import Refused


def write_talk_files(file: Path, html: Path | None, mp4: Path | None, stills: Path | None, out: Console) -> int:
    """Writes the files asked for, and returns the exit code. Raises `Refused`."""
    if not (html or mp4 or stills):
        raise Refused("Say what to write: --html FILE, --mp4 FILE or --stills FOLDER.")
    for wanted in filter(None, (html, mp4)):
        check_writable(wanted)
    whole = gather_talk(parse_talk(read_talk_bytes(file)), finder(file))
    require_chapters(whole)
    for number, chapter in enumerate(whole["chapters"], 1):
        if chapter["show"] in ("run", "race") and chapter["recorded"] is None:
            out.print(f"Chapter {number} has no recording, so its title stands alone; rehearse the talk.")
    try:
        if html is not None:
            html.write_text(make_talk_page(whole), encoding="utf-8")
        if mp4 is not None:
            mp4.write_bytes(write_talk_export("mp4", whole))
        if stills is not None:
            stills.mkdir(parents=True, exist_ok=True)
            for name, data in draw_stills(whole):
                (stills / name).write_bytes(data)
    except OSError as error:
        out.print(f"The talk could not be written: {error.strerror}.", style="red", markup=False)
        return FAILED
    return 0
