"""The commands `talk check`, `talk rehearse` and `talk export`. Nothing heavy is imported before one is chosen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gradleak_core.cli.options import Quiet, Where

talk_app = typer.Typer(help="Check, rehearse and export talks for the stage.", no_args_is_help=True)
Talks = Annotated[list[str], typer.Argument(help="A talk.json, its folder, or a talk that comes with GradLeak.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Record again what has been recorded already.")]
ToRehearse = Annotated[list[str] | None, typer.Option(help="Talk to rehearse before it serves; may be repeated.")]
PicturesKept = Annotated[int, typer.Option(help="Pictures that a recording keeps.", min=2, max=150)]


@talk_app.command("check")
def check_talks(files: Talks) -> int:
    """Say what is wrong with a talk, and what may go wrong on the day."""
    from gradleak_core.cli.talk_check import check_talk, find_talk

    return max([check_talk(find_talk(file), Console()) for file in files])


@talk_app.command("rehearse")
def rehearse_talks(
    files: Talks, fresh: Fresh = False, pictures: PicturesKept = 60, device: Where = None, quiet: Quiet = False
) -> int:
    """Run every run and race of a talk here, and keep a recording of each beside it."""
    from gradleak_core.cli.rehearsal import Rehearsal
    from gradleak_core.cli.talk_check import find_talk

    codes = []
    for file in map(find_talk, files):
        place = device and device.value
        codes.append(Rehearsal(file, fresh, pictures, place, quiet, Console(), Console(stderr=True)).play())
    return max(codes)


def rehearse_first(files: list[str], folder: Path | None) -> int:
    """Rehearses talks in a process of its own, because a server loads no torch, and returns the exit code."""
    command = [sys.executable, "-m", "gradleak_core", "talk", "rehearse", "--", *files]
    return subprocess.run(command, env=os.environ | ({"GRADLEAK_DATA": str(folder)} if folder else {})).returncode


@talk_app.command("export")
def export_talk(
    file: Annotated[str, typer.Argument(help="A talk.json, its folder, or a talk that comes with GradLeak.")],
    html: Annotated[Path | None, typer.Option(help="Write one page that plays without server or network.")] = None,
    mp4: Annotated[Path | None, typer.Option(help="Write a film of all chapters.")] = None,
    stills: Annotated[Path | None, typer.Option(help="Write a 1920 × 1080 PNG a chapter into this folder.")] = None,
) -> int:
    """Write a talk as a page, as a film, or as pictures for slides."""
    from gradleak_core.cli.talk_check import find_talk
    from gradleak_core.cli.talk_files import write_talk_files

    return write_talk_files(find_talk(file), html, mp4, stills, Console())
