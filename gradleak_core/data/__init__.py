"""Images by reference: `sample:`, `upload:`, `dataset:`, `folder:`. Free of torch; `images.load` makes tensors."""

from __future__ import annotations

import os
from pathlib import Path

from gradleak_core.data import folders, samples, sets
from gradleak_core.data.references import SCHEMES, unknown


def data_folder() -> Path:
    """Where runs, uploads and datasets are kept: GRADLEAK_DATA, else `.gradleak` in the working directory."""
    return Path(os.environ.get("GRADLEAK_DATA") or ".gradleak")


def label_names(reference: str) -> list[str] | None:
    """What the labels of an image's own set are called, in order; none for an upload. Raises `Refused`."""
    scheme = scheme_of(reference)
    if scheme == "sample":
        return list(samples.CLASSES)
    if scheme == "dataset":
        return list(sets.SETS[sets.parse(reference)[0]].classes)
    return folders.classes(reference) if scheme == "folder" else None


def scheme_of(reference: str) -> str:
    """What comes before the colon. Raises `Refused`, with the sample of the closest name, when it is none of ours."""
    scheme, colon, _ = reference.partition(":")
    if not colon or scheme not in SCHEMES:
        raise unknown(reference, (f"sample:{name}" for name in samples.SAMPLES))
    return scheme
