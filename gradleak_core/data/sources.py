"""The sets of pictures that a network can be trained on, by their names. Imports no torch.

The built-in handwritten digits, for which no network is needed, are E. Alpaydin and C. Kaynak's, from scikit-learn;
`assets/samples/LICENCES.md` has the licence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradleak_core.config.schemas import quoted
from gradleak_core.data import folders
from gradleak_core.data.datasets import DATASETS
from gradleak_core.places import ASSETS
from gradleak_core.types import Refused

DIGITS_FILE = ASSETS / "digits.npz"
BRIGHTEST = 16
"""The value of white in the file of digits."""
DIGITS = 1797
DIGITS_HELD_OUT = 360
"""The number of digits that are held out. They are the last, mostly by writers of their own."""


@dataclass(frozen=True)
class Source:
    """A set of labelled pictures that has not been read yet. `classes` is their number."""

    name: str
    title: str
    classes: int


def source(name: str, most: int | None = None) -> Source:
    """Returns the set that `digits`, the name of a torchvision set or `folder:<name>` stands for.

    Raises `Refused` when there is no such set, or when it has more classes than `most`, those of the model.
    """
    if name == "digits":
        found = Source(name, "the built-in digits", 10)
    elif name in DATASETS:
        found = Source(name, DATASETS[name].title, len(DATASETS[name].classes))
    elif name.startswith("folder:"):
        found = Source(name, name, len(folders.folders()[split_folder(name)[0]]))
    else:
        known = ", ".join(["digits", *DATASETS, *(f"folder:{folder}" for folder in folders.folders())])
        raise Refused(f"There is no data set {quoted(name)} to train on; choose from {known}.")
    if most is not None and found.classes > most:
        raise Refused(
            f"{found.name} has {found.classes} classes and the model only {most}; raise the number of classes."
        )
    return found


def count_pictures(name: str) -> int:
    """Returns how many pictures a network learns from in one epoch, those held out of a folder included.

    Raises `Refused` when there is no such set.
    """
    if name == "digits":
        return DIGITS - DIGITS_HELD_OUT
    return DATASETS[name].train if name in DATASETS else len(folders.files(split_folder(name)[0]))


def split_folder(name: str) -> tuple[str, str | None]:
    """Returns the folders of `folder:<name>` to learn from and, or None, to test on. Raises `Refused`."""
    wanted, known = name.removeprefix("folder:"), folders.folders()
    train = next((folder for folder in (wanted, f"{wanted}/train") if folder in known), None)
    if train is None:
        there = ", ".join(f"folder:{folder}" for folder in known) or "none"
        raise Refused(f"There is no folder {quoted(name)}; those named in {folders.FOLDERS_VARIABLE} are: {there}.")
    test = f"{train.removesuffix('/train')}/test"
    return train, test if train.endswith("/train") and test in known else None


def identify_source(name: str) -> str:
    """Returns a text that changes whenever the pictures of a set do, to judge by their names, sizes and times."""
    if name == "digits":
        return hashlib.sha256(DIGITS_FILE.read_bytes()).hexdigest()
    if not name.startswith("folder:"):
        return name
    digest = hashlib.sha256()
    for file, label in (found for part in split_folder(name) if part for found in folders.files(part)):
        there = file.stat()
        digest.update(f"{label}/{file.name}/{there.st_size}/{there.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def read_digits() -> tuple[Any, Any]:
    """Returns pictures (1797, 8, 8) of 0 to 255 and labels (1797,) of 0 to 9, both uint8."""
    with np.load(DIGITS_FILE) as kept:
        return (kept["images"] * (255 / BRIGHTEST)).round().astype(np.uint8), kept["labels"]
