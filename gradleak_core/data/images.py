"""The one way from a reference to pixels."""

from __future__ import annotations

import io

from PIL import Image
from torch import Tensor

from gradleak_core.data import data_folder, datasets, folders, samples, scheme_of, uploads
from gradleak_core.data.pixels import to_tensor


def load(reference: str, size: int, channels: int, progress: datasets.Progress = None) -> tuple[Tensor, int | None]:
    """An image as (1, C, size, size) in [0, 1], and its own label (none for an upload).

    `progress` is told about a download. Raises `Refused` when the reference names nothing or cannot be read.
    """
    image, label = picture(reference, progress)
    return to_tensor(image, size, channels), label


def picture(reference: str, progress: datasets.Progress = None) -> tuple[Image.Image, int | None]:
    """The picture itself, in mode L or RGB, and its own label. Raises `Refused`."""
    scheme = scheme_of(reference)
    if scheme == "sample":
        row = samples.sample(reference.removeprefix("sample:"))
        return Image.open(io.BytesIO(samples.picture(row.name))), row.label
    if scheme == "upload":
        return uploads.decode(uploads.path(data_folder() / "uploads", reference).read_bytes()), None
    if scheme == "dataset":
        return datasets.item(data_folder() / "datasets", reference, progress)
    return folders.item(reference)
