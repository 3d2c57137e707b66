"""Loads the image of a reference as a tensor, for the engine."""

from __future__ import annotations

from torch import Tensor

from gradleak_core.data import data_folder, downloads, read_label, read_picture
from gradleak_core.data.pixels import to_tensor


def load_image(
    reference: str, size: int, channels: int, progress: downloads.Downloaded = None
) -> tuple[Tensor, int | None]:
    """Returns an image as (1, C, size, size) in [0, 1], and its label (None for an upload).

    `progress` is called during a download. Raises `Refused` when the reference names nothing or cannot be read.
    """
    if reference.startswith("dataset:"):
        image, own = downloads.read_item(data_folder() / "datasets", reference, progress)
        return to_tensor(image, size, channels), own
    return to_tensor(read_picture(reference), size, channels), read_label(reference)
