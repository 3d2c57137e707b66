"""Folders of images by class, named in the environment variable GRADLEAK_DATASETS. Free of torch.

The variable lists folders, separated as in PATH. Each holds one folder a class, or `train/` and `test/` that do;
these two then count as folders of their own, called `<name>/train` and `<name>/test`.

The labels number the class folders in order, empty ones too. Those of `train` number `test` as well, so that a class
has the same label in both.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from PIL import Image

from gradleak_core.config.schemas import quoted
from gradleak_core.data.references import unknown_image
from gradleak_core.data.uploads import SUFFIXES, decode_picture
from gradleak_core.types import Refused

FOLDERS_VARIABLE = "GRADLEAK_DATASETS"


def folders() -> dict[str, dict[str, int]]:
    """Returns how many images each class holds, by folder and by class. Classes are in the order of their labels.

    Folders that are missing or hold no images are left out.
    """
    return {name: {c: len(_images(place / c)) for c in _numbered_classes(place)} for name, place in _places().items()}


def items(name: str, label: str) -> list[str]:
    """Returns references to the images of a class, in the order of their file names. Raises `Refused`."""
    return [f"folder:{name}/{label}/{file}" for file in _images(_class(name, label))]


def files(name: str) -> list[tuple[Path, int]]:
    """Returns every image of a folder with its label, class by class. The name must be one of `folders()`.

    Raises `Refused` when a class that holds images has no label.
    """
    place = _places()[name]
    for label in _list_classes(place):
        if _images(place / label):
            _class(name, label)
    return [
        (place / c / file, number) for number, c in enumerate(_numbered_classes(place)) for file in _images(place / c)
    ]


def folder_path(reference: str) -> Path:
    """Returns the file of `folder:<folder>/<class>/<file>`. Raises `Refused` unless it is one of those listed."""
    name, label, file = parse_folder(reference)
    folder = _class(name, label)
    if file not in _images(folder):
        raise unknown_image(reference, (f"folder:{name}/{label}/{known}" for known in _images(folder)))
    return folder / file


def read_folder_picture(reference: str) -> Image.Image:
    """Returns the picture that a reference names, cleaned as an upload is. Raises `Refused`."""
    try:
        return decode_picture(folder_path(reference).read_bytes())
    except OSError as error:
        raise Refused(f"{quoted(reference)} cannot be read; check the permissions of its file.") from error


def label_of(reference: str) -> int:
    """Returns the number of the class that a reference lies in. Raises `Refused`."""
    return classes(reference).index(parse_folder(reference)[1])


def classes(reference: str) -> list[str]:
    """Returns the names of the classes of a reference's folder in the order of their labels. Raises `Refused`."""
    name, label, _ = parse_folder(reference)
    _class(name, label)
    return _numbered_classes(_places()[name])


def parse_folder(reference: str) -> tuple[str, str, str]:
    """Returns folder, class and file of a reference. Raises `Refused`."""
    parts = reference.removeprefix("folder:").rsplit("/", 2)
    if len(parts) != 3:
        raise unknown_image(reference, (f"folder:{name}" for name in _places()))
    return parts[0], parts[1], parts[2]


def _class(name: str, label: str) -> Path:
    """Returns the folder of a class. Raises `Refused` when there is none or when it has no number."""
    wanted, places = f"folder:{name}/{label}", _places()
    if not places:
        raise Refused(
            f"No folder of images is set up for {quoted(wanted)}; name one in {FOLDERS_VARIABLE} and start again."
        )
    if name in places and label in _numbered_classes(places[name]):
        return places[name] / label
    if name in places and label in _list_classes(places[name]):
        raise Refused(
            f"The class {quoted(label)} of {name} is not in the train folder beside it, whose classes number the "
            "labels; add it there or remove it here."
        )
    raise unknown_image(
        wanted, (f"folder:{other}/{c}" for other, place in places.items() for c in _numbered_classes(place))
    )


def _places() -> dict[str, Path]:
    """Returns every folder that directly holds classes with images; a name taken twice gets a number."""
    found: dict[str, Path] = {}
    for entry in filter(None, os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep)):
        root = Path(entry).expanduser().absolute()
        name, number = root.name, 2
        while any(taken.split("/")[0] == name for taken in found):
            name, number = f"{root.name}-{number}", number + 1
        splits = {f"{name}/{split}": root / split for split in ("train", "test") if _holds_images(root / split)}
        found |= splits or ({name: root} if _holds_images(root) else {})
    return found


def _holds_images(place: Path) -> bool:
    return any(_images(place / label) for label in _list_classes(place))


def _numbered_classes(place: Path) -> list[str]:
    """Returns the classes in the order of their labels: those of the `train` beside a `test`, else its own."""
    return (place.name == "test" and _list_classes(place.with_name("train"))) or _list_classes(place)


def _list_classes(place: Path) -> list[str]:
    """Returns the names of the class folders in order, empty ones included."""
    try:
        with os.scandir(place) as entries:
            names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted(names, key=lambda name: name.zfill(12) if name.isdigit() else name)


def _images(folder: Path) -> tuple[str, ...]:
    """Returns the names of the images in a folder, in order; none when it cannot be read."""
    try:
        return _list_images(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@functools.lru_cache(maxsize=4096)
def _list_images(folder: Path, changed: int) -> tuple[str, ...]:
    """Returns the names of the images in a folder; `changed` makes the cache forget a folder that was written to."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.lower().endswith(SUFFIXES)]
    return tuple(sorted(name for name in names if not name.startswith(".")))
