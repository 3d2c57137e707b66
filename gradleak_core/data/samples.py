"""The sample pictures in `assets/samples/`. Free of torch."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gradleak_core.data.references import unknown_image
from gradleak_core.places import ASSETS

FOLDER = ASSETS / "samples"


@dataclass(frozen=True)
class Sample:
    """A sample picture. `label` is its place in `CLASSES`, and `file` lies in `assets/samples/`."""

    name: str
    title: str
    label: int
    sentence: str
    file: str
    licence: str
    source: str


_rows = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
CLASSES: tuple[str, ...] = tuple(_rows["classes"])
SAMPLES: dict[str, Sample] = {row["name"]: Sample(**row) for row in _rows["samples"]}


def sample(name: str) -> Sample:
    """Returns the sample of a name. Raises `Refused`, naming the closest one, when there is none."""
    if name not in SAMPLES:
        raise unknown_image(f"sample:{name}", (f"sample:{known}" for known in SAMPLES))
    return SAMPLES[name]


def read_sample(name: str) -> bytes:
    """Returns the file of a sample: a square PNG, grey or RGB, of at most 256 pixels a side. Raises `Refused`."""
    return (FOLDER / sample(name).file).read_bytes()
