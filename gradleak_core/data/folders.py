"""Folders of images by class, named in the environment variable GRADLEAK_DATASETS. Free of torch.

The variable lists folders, separated as in PATH. Each holds one folder a class, or `train/` and `test/` that do;
these two then count as folders of their own, called `<name>/train` and `<name>/test`.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TypedDict

from PIL import Image

from gradleak_core.data import uploads
from gradleak_core.data.references import unknown
from gradleak_core.types import Refused

VARIABLE = "GRADLEAK_DATASETS"


class Folder(TypedDict):
    """Class names in the order of their labels, and how many images there are in all."""

    classes: list[str]
    count: int


def folders() -> dict[str, Folder]:
    """What there is to choose from, by name; folders that are missing or hold no images are left out."""
    listed = {name: _classes(place) for name, place in _places().items()}
    return {
        name: {"classes": list(classes), "count": sum(len(_files(*key)) for key in classes.values())}
        for name, classes in listed.items()
    }


def items(name: str, label: str) -> list[str]:
    """References of the images of one class, in the order of their file names. Raises `Refused`."""
    return [f"folder:{name}/{label}/{file}" for file in _files(*_class(name, label))]


def files(name: str) -> list[tuple[Path, int]]:
    """Every image of a folder with its label, class by class. The name must be one of `folders()`."""
    keys = _classes(_places()[name]).values()
    return [(key[0] / file, label) for label, key in enumerate(keys) for file in _files(*key)]


def path(reference: str) -> Path:
    """The file of `folder:<folder>/<class>/<file>`. Raises `Refused` unless it is one of those listed."""
    name, label, file = parse(reference)
    key = _class(name, label)
    if file not in _files(*key):
        raise unknown(reference, (f"folder:{name}/{label}/{known}" for known in _files(*key)))
    return key[0] / file


def item(reference: str) -> tuple[Image.Image, int]:
    """The image, cleaned as an upload is, and its label. Raises `Refused`."""
    try:
        data = path(reference).read_bytes()
    except OSError as error:
        raise Refused(f"{reference!r} cannot be read; check the permissions of its file.") from error
    return uploads.decode(data), classes(reference).index(parse(reference)[1])


def classes(reference: str) -> list[str]:
    """Names of the classes of the folder that a reference lies in. Raises `Refused`."""
    name, label, _ = parse(reference)
    _class(name, label)
    return list(_classes(_places()[name]))


def parse(reference: str) -> tuple[str, str, str]:
    """Folder, class and file of a reference. Raises `Refused`."""
    parts = reference.removeprefix("folder:").rsplit("/", 2)
    if len(parts) != 3:
        raise unknown(reference, (f"folder:{name}" for name in _places()))
    return parts[0], parts[1], parts[2]


def _class(name: str, label: str) -> tuple[Path, int]:
    """The folder of a class and when it changed. Raises `Refused`."""
    wanted = f"folder:{name}/{label}"
    places = _places()
    if not places:
        raise Refused(f"No folder of images is set up for {wanted!r}; name one in {VARIABLE} and start again.")
    known = {f"folder:{place}/{other}": key for place in places for other, key in _classes(places[place]).items()}
    if wanted not in known:
        raise unknown(wanted, known)
    return known[wanted]


def _places() -> dict[str, Path]:
    """Every folder that directly holds classes, by the name it is shown under; a name taken twice gets a number."""
    found: dict[str, Path] = {}
    for entry in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        root = Path(entry).expanduser().absolute()
        name, number = root.name, 2
        while any(taken.split("/")[0] == name for taken in found):
            name, number = f"{root.name}-{number}", number + 1
        splits = {f"{name}/{split}": root / split for split in ("train", "test") if _classes(root / split)}
        found |= splits or ({name: root} if _classes(root) else {})
    return found


def _classes(place: Path) -> dict[str, tuple[Path, int]]:
    """The class folders of one place that hold images, with the time of their last change; numbers in their order."""
    try:
        inner = [Path(entry.path) for entry in os.scandir(place) if entry.is_dir() and not entry.name.startswith(".")]
        keys = {folder.name: (folder, folder.stat().st_mtime_ns) for folder in sorted(inner, key=_in_order)}
        return {name: key for name, key in keys.items() if _files(*key)}
    except OSError:
        return {}


def _in_order(folder: Path) -> str:
    return folder.name.zfill(12) if folder.name.isdigit() else folder.name


@functools.lru_cache(maxsize=4096)
def _files(folder: Path, changed: int) -> tuple[str, ...]:
    """Names of the images in a folder; `changed` makes the cache forget a folder that was written to."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.lower().endswith(uploads.SUFFIXES)]
    return tuple(sorted(name for name in names if not name.startswith(".")))
