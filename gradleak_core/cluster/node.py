"""What happens on a node: a data folder that lasts as long as the work, and the checks before it. Imports no torch."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from gradleak_core.data.files import write_whole
from gradleak_core.places import PACKAGE
from gradleak_core.types import Refused

SHARED = ("weights", "datasets")
"""Folders of what any work may find again: they hold nothing of a person's."""


class OtherCode(Refused):
    """An error of a node whose GradLeak is not the one of the machine that asks. The message is a sentence."""


@cache
def own_code() -> str:
    """Returns eight hex digits that change with every line of this package."""
    files = sorted(PACKAGE.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]


def check_code(asked: str) -> None:
    """Raises `OtherCode` unless this node has the code of the machine that asks, since its numbers might differ."""
    if asked != own_code():
        raise OtherCode(
            f"The node {platform.node()} has another GradLeak (code {own_code()}) than the machine that asks "
            f"(code {asked}); install the same on both."
        )


def node_folder() -> Path:
    """Returns the folder in which trained networks and data sets stay: the node's GRADLEAK_DATA, or a temporary one."""
    own = os.environ.get("GRADLEAK_DATA")
    return Path(own) if own else Path(tempfile.gettempdir()) / f"gradleak-{getpass.getuser()}"


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """Makes a data folder in which pictures go with the work; trained networks and data sets stay on the node."""
    shared = node_folder()
    with tempfile.TemporaryDirectory(prefix="gradleak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "uploads").mkdir()
        for kept in SHARED:
            (shared / kept).mkdir(parents=True, exist_ok=True)
            (folder / kept).symlink_to(shared.absolute() / kept)
        yield folder


def put_pictures(folder: Path, pictures: Mapping[str, bytes]) -> None:
    """Makes these the only pictures in a data folder. Each is named by its reference, `upload:<sha256>`."""
    wanted = {f"{reference.removeprefix('upload:')}.png": data for reference, data in pictures.items()}
    for file in (folder / "uploads").iterdir():
        if file.name not in wanted:
            with suppress(FileNotFoundError):
                file.unlink()
    for name, data in wanted.items():
        write_whole(folder / "uploads" / name, data)


def read_pictures(folder: Path, references: list[str]) -> dict[str, bytes]:
    """Returns the uploads among references with their bytes, from the data folder in which they are kept.

    Raises `Refused` for one that is gone.
    """
    uploads = sorted({reference for reference in references if reference.startswith("upload:")})
    try:
        return {each: (folder / "uploads" / f"{each.removeprefix('upload:')}.png").read_bytes() for each in uploads}
    except OSError as error:
        raise Refused("A picture of this run is no longer there; upload it again.") from error
