"""Loads the image of a reference as a tensor, for the engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from torch import Tensor

from gradleak_core.data import data_folder, downloads, folders, read_label, read_picture, samples
from gradleak_core.data.datasets import parse_dataset
from gradleak_core.data.pixels import to_tensor
from gradleak_core.types import Refused


def load_image(reference: str, size: int, channels: int) -> tuple[Tensor, int | None]:
    """Returns an image as (1, C, size, size) in [0, 1], and its label (None for an upload).

    Raises `Refused` when the reference names nothing or cannot be read.
    """
    if reference.startswith("dataset:"):
        image, own = downloads.read_item(data_folder() / "datasets", reference)
        return to_tensor(image, size, channels), own
    return to_tensor(read_picture(reference), size, channels), read_label(reference)


def load_another(reference: str, taken: Collection[str], size: int, channels: int) -> tuple[Tensor, str]:
    """Returns another image as (1, C, size, size) in [0, 1], none of those `taken`, and its reference.

    It is of the same class where there is one that can be read, else a sample.
    """
    for other in chain(list_class(reference), (f"sample:{name}" for name in samples.SAMPLES)):
        if other not in taken:
            try:
                return load_image(other, size, channels)[0], other
            except Refused:  # a damaged file of somebody's folder ends no run
                continue
    raise Refused("There is no other picture; add samples to assets/samples.")


def list_class(reference: str) -> Iterator[str]:
    """Yields references to the images of an image's class in its set; none for an upload."""
    scheme, _, rest = reference.partition(":")
    if scheme == "sample":
        label = samples.sample(rest).label
        yield from (f"sample:{name}" for name, row in samples.SAMPLES.items() if row.label == label)
    elif scheme == "folder":
        yield from folders.items(*folders.parse_folder(reference)[:2])
    elif scheme == "dataset":
        name, split, index = parse_dataset(reference)
        labels = downloads.open_dataset(name, split, (data_folder() / "datasets").absolute()).targets
        yield from (f"dataset:{name}/{split}/{i}" for i in range(len(labels)) if int(labels[i]) == int(labels[index]))
