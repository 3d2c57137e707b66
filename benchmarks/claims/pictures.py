"""The sources of a claim's private pictures: the sets below the folder given with --data, else the built-in samples."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from benchmarks.setting import SEED, Setting
from gradleak_core.data import data_folder, uploads
from gradleak_core.experiment import MOST_IMAGES, Experiment
from gradleak_core.types import Refused

Labels = Literal["any", "different", "same"]
TRIES = 1000


def of(setting: Setting, name: str) -> Setting:
    """The setting with images of the set `name`, as cifar10 or mnist; without --data, of the built-in samples.

    Raises `Refused` when there is a data folder but the set is not in it.
    """
    if setting.data is None:
        return setting
    if not (setting.data / name).is_dir():
        raise Refused(f"The data folder holds no {name}; add {name}/ with one folder a class, or leave out --data.")
    return replace(setting, data=setting.data / name)


def victims(setting: Setting, name: str, count: int) -> list[tuple[str, int]]:
    """References and labels of the first images of `victims/<name>`, called `<number>_label<label>.png`.

    Raises `Refused` without them.
    """
    folder = (setting.data or Path()) / "victims" / name
    files = sorted(folder.glob("*_label*.png")) if setting.data else []
    if not files:
        raise Refused(f"This claim needs the pictures of victims/{name}; name the folder that holds it with --data.")
    labels = [int(re.findall(r"label(\d+)", file.name)[0]) for file in files[:count]]
    store = data_folder() / "uploads"
    return [
        (uploads.keep_upload(store, uploads.check_both(file.read_bytes())[0]), label)
        for file, label in zip(files, labels, strict=False)
    ]


def each(setting: Setting, base: Experiment, name: str, count: int) -> Iterator[Experiment]:
    """`base` with one victim of `victims/<name>` and a seed each; with random samples when there is no --data."""
    if setting.data is None:
        yield from (experiment for _, experiment in setting.experiments(base, count))
        return
    for number, (image, label) in enumerate(victims(setting, name, count)):
        yield replace(base, images=(image,), labels=(label,), seed=SEED + number)


def batches(
    setting: Setting, base: Experiment, count: int, size: int, labels: Labels = "any", first: int = 0
) -> Iterator[Experiment]:
    """`base` with random batches of different images, whose labels are any, all different, or all the same.

    Another `first` number gives batches that no other claim has looked at.
    """
    if size > MOST_IMAGES:
        raise Refused(f"An experiment holds at most {MOST_IMAGES} images, not {size}; use client.observe.")
    for number in range(first, first + count):
        images, chosen, classes = batch(setting, random.Random(SEED + number), size, labels)
        yield replace(base, images=images, labels=chosen, classes=max(base.classes, classes), seed=SEED + number)


def batch(
    setting: Setting, dice: random.Random, size: int, labels: Labels = "any"
) -> tuple[tuple[str, ...], tuple[int, ...], int]:
    """References, labels and the number of classes. Raises `Refused` when there are too few images to choose from."""
    images: list[str] = []
    chosen: list[int] = []
    classes = 0
    for _ in range(TRIES):
        image, _, label, classes = setting.pick(dice)
        fits = {"any": True, "different": label not in chosen, "same": not chosen or label == chosen[0]}[labels]
        if fits and image not in images:
            images.append(image)
            chosen.append(label)
        if len(images) == size:
            return tuple(images), tuple(chosen), classes
    raise Refused(f"There are too few images for a batch of {size} with {labels} labels; choose another set.")


def words(setting: Setting, *names: str) -> str:
    """Where the images came from, in words."""
    if setting.data is None:
        return f"{setting.images}, in place of {' and '.join(names)}"
    return " and ".join(names)
