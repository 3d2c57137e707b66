"""How a benchmark is run, and the random experiments that several of them share."""

from __future__ import annotations

import contextlib
import io
import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from PIL import Image, ImageOps

from gradleak_core.data import data_folder, folders, samples, uploads
from gradleak_core.experiment import Experiment
from gradleak_core.types import Refused

SEED = 7000
"""The first seed; none from here upwards was used to choose a default."""


@contextlib.contextmanager
def data_of_its_own() -> Iterator[None]:
    """A data folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, GRADLEAK_DATA=folder):
        yield


@dataclass(frozen=True)
class Setting:
    """`data` is a folder of images by class; without one the samples are cropped and mirrored at random.

    `jobs` is the number of processes that play runs at once, `cluster` the address of a Ray cluster on which they are
    played instead, and `journal` the file in which each that is done stands.
    """

    quick: bool = False
    device: str = "cpu"
    data: Path | None = None
    jobs: int = 1
    cluster: str | None = None
    journal: Path | None = None

    def count(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    @property
    def images(self) -> str:
        """Where the random images come from, in words."""
        if self.data is None:
            return f"the {len(samples.SAMPLES)} samples, cropped and mirrored at random"
        return f"folder of images by class ({self.data.resolve().name})"

    def experiments(self, base: Experiment, count: int) -> Iterator[tuple[str, Experiment]]:
        """Random (image, weights) pairs: `base` with another image and seed each, and the image's name.

        A pair depends on its number alone, so that a quick run takes the first pairs of a long one.
        """
        for number in range(count):
            image, name, label, classes = self.pick(random.Random(SEED + number))
            one = replace(base, images=(image,), labels=(label,), classes=max(base.classes, classes))
            yield name, replace(one, seed=SEED + number)

    def pick(self, dice: random.Random) -> tuple[str, str, int, int]:
        """One random image: its reference, its name, its label, the number of classes."""
        if self.data is None:
            return _from_samples(dice)
        os.environ[folders.FOLDERS_VARIABLE] = str(self.data)
        return _from_folder(dice)


def _from_folder(dice: random.Random) -> tuple[str, str, int, int]:
    """Reference, name, label, number of classes. Folders called `test` go before others."""
    known = folders.folders()
    if not known:
        raise Refused("The folder holds no images by class; name one with one folder a class.")
    folder = next((name for name in known if name.endswith("/test")), next(iter(known)))
    filled = [label for label, count in known[folder].items() if count]
    image = dice.choice(folders.items(folder, dice.choice(filled)))
    return image, image, folders.label_of(image), len(known[folder])


def _from_samples(dice: random.Random) -> tuple[str, str, int, int]:
    sample = samples.sample(dice.choice(list(samples.SAMPLES)))
    image: Image.Image = Image.open(io.BytesIO(samples.read_sample(sample.name)))
    side = round(min(image.size) * dice.uniform(0.6, 1))
    left, top = dice.randint(0, image.width - side), dice.randint(0, image.height - side)
    image = image.crop((left, top, left + side, top + side))
    image = ImageOps.mirror(image) if dice.random() < 0.5 else image
    data = io.BytesIO()
    image.save(data, "PNG")
    reference = uploads.keep_upload(data_folder() / "uploads", uploads.check_both(data.getvalue())[0])
    return reference, f"sample:{sample.name}", sample.label, len(samples.CLASSES)
