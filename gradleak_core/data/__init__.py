"""Images by reference: `sample:`, `upload:`, `dataset:`, `folder:`. Free of torch; `images` makes tensors."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

from gradleak_core.config.schemas import quoted
from gradleak_core.data import datasets, folders, samples, uploads
from gradleak_core.data.references import SCHEMES, unknown_image
from gradleak_core.types import Refused


def data_folder() -> Path:
    """Returns the folder of runs, uploads and data sets: GRADLEAK_DATA, else `.gradleak` in the working directory."""
    return Path(os.environ.get("GRADLEAK_DATA") or ".gradleak")


def read_picture(reference: str) -> Image.Image:
    """Returns the picture of a reference in mode L or RGB.

    Raises `Refused` when the reference names nothing or cannot be read, and for `dataset:`, which needs torch.
    """
    scheme = scheme_of(reference)
    if scheme == "sample":
        return Image.open(io.BytesIO(samples.read_sample(reference.removeprefix("sample:"))))
    if scheme == "upload":
        return uploads.decode_picture(uploads.upload_path(data_folder() / "uploads", reference).read_bytes())
    if scheme == "folder":
        return folders.read_folder_picture(reference)
    raise Refused(f"{quoted(reference)} is read by the worker; start a run to see it.")


def own_label(reference: str, folder: Path) -> int | None:
    """Returns the label that an image comes with: 0 for an upload, and None for `dataset:`, which needs torch.

    `folder` is the data folder. Raises `Refused` when the reference names nothing.
    """
    scheme = scheme_of(reference)
    if scheme == "dataset":
        datasets.parse_dataset(reference)
        return None
    if scheme == "upload":
        uploads.upload_path(folder / "uploads", reference)
    if scheme == "folder":
        folders.folder_path(reference)
    return read_label(reference) or 0


def read_label(reference: str) -> int | None:
    """Returns the label of a picture, as a place among its `label_names`; None for an upload.

    Raises `Refused` when the reference names nothing, and for `dataset:`, which needs torch.
    """
    scheme = scheme_of(reference)
    if scheme == "sample":
        return samples.sample(reference.removeprefix("sample:")).label
    if scheme == "dataset":
        raise Refused(f"{quoted(reference)} is read by the worker; start a run to learn its label.")
    return folders.label_of(reference) if scheme == "folder" else None


def label_names(reference: str) -> list[str] | None:
    """Returns the names of the labels in the set of an image, in order; None for an upload. Raises `Refused`."""
    scheme = scheme_of(reference)
    if scheme == "sample":
        return list(samples.CLASSES)
    if scheme == "dataset":
        return list(datasets.DATASETS[datasets.parse_dataset(reference)[0]].classes)
    return folders.classes(reference) if scheme == "folder" else None


def class_names(references: Sequence[str]) -> list[str]:
    """Returns the names of these pictures' labels: none when their sets disagree, or for uploads alone."""
    sets: set[tuple[str, ...]] = set()
    for reference in references:
        with suppress(Refused):
            sets.add(tuple(label_names(reference) or ()))
    sets.discard(())
    return list(sets.pop() if len(sets) == 1 else ())


def scheme_of(reference: str) -> str:
    """Returns the part of a reference before its colon. Raises `Refused`, naming a sample, when it is not a scheme."""
    scheme, colon, _ = reference.partition(":")
    if not colon or scheme not in SCHEMES:
        raise unknown_image(reference, (f"sample:{name}" for name in samples.SAMPLES))
    return scheme
