"""Whole sets of labelled pictures to train on: the built-in digits, torchvision's sets, folders by class."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gradleak_core.data import data_folder, downloads, folders, uploads
from gradleak_core.data.datasets import DATASETS, is_present
from gradleak_core.data.pixels import to_tensor
from gradleak_core.data.sources import DIGITS_HELD_OUT, read_digits, source, split_folder
from gradleak_core.types import Note, Refused

MOST_BYTES = 2**29
"""The most bytes of pixels to learn from. Of a larger set every second picture is taken, or every third, and so on."""
NOTE_EVERY = 500
"""The pictures that are read between two notes."""
FIFTH = 5
"""The pictures of a class for each one that is held out, in a folder without `test/` beside its `train/`."""


@dataclass(frozen=True)
class Labelled:
    """Labelled pictures to learn from and to test on: images (N, C, H, W) in uint8, labels (N,)."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def read_labelled(name: str, shape: tuple[int, int, int]) -> Generator[Note, None, Labelled]:
    """Reads a set and returns its pictures, cropped and scaled to `shape` (C, size, size). Yields notes meanwhile.

    Downloads what torchvision has to fetch. Raises `Refused` when the set is not there, cannot be downloaded or holds a
    damaged picture.
    """
    title = source(name).title
    if name == "digits":
        parts = _digits()
    elif name in DATASETS:
        if not is_present(data_folder() / "datasets", name):
            yield Note(f"Downloading {title}, {DATASETS[name].megabytes} MB.")
        parts = _read_torchvision(name)
    else:
        parts = _folder(name)
    stacked: list[Tensor] = []
    for pictures, count in parts:
        stacked += yield from _stack(pictures, count, shape, title)
    return Labelled(*stacked)


def _stack(
    pictures: Iterator[tuple[Image.Image, int]], count: int, shape: tuple[int, int, int], title: str
) -> Generator[Note, None, tuple[Tensor, Tensor]]:
    channels, size, _ = shape
    every = -(-count * channels * size * size // MOST_BYTES)
    images, labels = [], []
    for index, (image, label) in enumerate(pictures):
        if index % NOTE_EVERY == 0:
            yield Note(f"Reading {title}: {index} of {count} pictures.")
        if index % every == 0:
            images.append(to_tensor(image, size, channels).mul(255).round().byte())
            labels.append(int(label))
    return torch.cat(images), torch.tensor(labels)


Part = tuple["Iterator[tuple[Image.Image, int]]", int]


def _digits() -> list[Part]:
    images, labels = read_digits()
    first = len(images) - DIGITS_HELD_OUT
    parts = ((images[:first], labels[:first]), (images[first:], labels[first:]))
    return [(zip(map(Image.fromarray, xs), ys.tolist(), strict=True), len(xs)) for xs, ys in parts]


def _read_torchvision(name: str) -> list[Part]:
    root = (data_folder() / "datasets").absolute()
    sets = [downloads.open_dataset(name, split, root) for split in ("train", "test")]
    return [((images[i] for i in range(len(images))), len(images)) for images in sets]


def _folder(name: str) -> list[Part]:
    train, test = split_folder(name)
    if test:
        chosen = [folders.files(train), folders.files(test)]
    else:
        seen: dict[int, int] = {}
        chosen = [[], []]
        for file, label in folders.files(train):
            seen[label] = seen.get(label, -1) + 1
            chosen[seen[label] % FIFTH == FIFTH - 1].append((file, label))
    if not all(chosen):
        raise Refused(f"{name} holds too few pictures to train on; each class needs at least {FIFTH}.")
    return [(((_open_file(file), label) for file, label in part), len(part)) for part in chosen]


def _open_file(file: Path) -> Image.Image:
    try:
        return uploads.decode_picture(file.read_bytes())
    except (Refused, OSError) as error:
        raise Refused(f"{file.parent.name}/{file.name} cannot be used for training; remove or replace it.") from error
