"""Thread counts measured on this machine, kept in the data folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from gradleak_core.data import data_folder

ALL_THREADS = torch.get_num_threads()
Choices = Mapping[str, Mapping[int, int]]
"""Threads by the title of the network and the number of images."""


def file() -> Path:
    return data_folder() / "threads.json"


def keep(choices: Choices) -> None:
    file().parent.mkdir(parents=True, exist_ok=True)
    file().write_text(json.dumps({"threads": ALL_THREADS, "choices": choices}, indent=2) + "\n", encoding="utf-8")


def kept(network: str, images: int) -> int | None:
    """What was measured with the most images up to this number; None when nothing was, or with other threads."""
    try:
        found = json.loads(file().read_text(encoding="utf-8"))
        mine = {int(batch): int(threads) for batch, threads in found["choices"][network].items()}
        same = found["threads"] == ALL_THREADS
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    batches = [batch for batch in mine if batch <= images]
    return min(max(mine[max(batches)], 1), ALL_THREADS) if batches and same else None
