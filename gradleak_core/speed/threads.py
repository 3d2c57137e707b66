"""Thread counts measured on this machine, kept in the data folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from gradleak_core.data import data_folder
from gradleak_core.data.files import read_json, write_whole

ALL_THREADS = torch.get_num_threads()
MOST_SHARES = 8
"""The most threads that may share the restarts of a run. Each has a copy of the network."""
Choices = dict[str, dict[int, int]]
"""Number of threads by the title of a network and the size of its batch."""


@contextmanager
def all_threads() -> Iterator[None]:
    """Gives torch all CPU threads, and afterwards as many as it had before."""
    before = torch.get_num_threads()
    torch.set_num_threads(ALL_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choices_file() -> Path:
    """Returns the path of the measured choices, which need not exist."""
    return data_folder() / "threads.json"


def size(images: int) -> int:
    """Returns the largest power of two that is no larger than a number of images, which stands for batches of it."""
    return 1 << (images.bit_length() - 1)


def choices() -> Choices:
    """Returns the choices measured on this machine with all its threads; none when the file is absent or damaged."""
    try:
        found = read_json(choices_file().read_bytes())
        if found["threads"] != ALL_THREADS:
            return {}
        return {
            network: {int(images): min(max(int(count), 1), ALL_THREADS) for images, count in mine.items()}
            for network, mine in found["choices"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def keep_choices(new: Choices) -> None:
    """Adds choices to those in the file. A new one replaces an old one of the same network and size."""
    old = choices()
    both = old | {network: old.get(network, {}) | mine for network, mine in new.items()}
    choices_file().parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"threads": ALL_THREADS, "choices": both}, indent=2) + "\n"
    write_whole(choices_file(), text.encode())


def find_choice(network: str, images: int) -> int | None:
    """Returns the number of threads measured for a network and a batch of so many images; None if there is none."""
    return choices().get(network, {}).get(size(images))


def choose_threads(asked: int, images: int, restarts: int, network: str, parallel_from: int) -> int:
    """Returns the CPU threads of a run: those that it asks for, else (0) the quickest number here.

    Several restarts share the threads. A single restart has the number measured here, or else all from so many images
    on as the network says (`parallel_from`).
    """
    if restarts > 1:
        return min(asked or ALL_THREADS, MOST_SHARES, restarts)
    rule = ALL_THREADS if images >= parallel_from else 1
    return asked or find_choice(network, images) or rule
