"""Lets the CPU take over a run whose first iteration another device cannot compute."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch

from gradleak_core.types import Event, Note, Progress


def await_first_iteration(events: Iterator[Event]) -> Generator[Note, None, list[Event]]:
    """Passes on the notes. Returns the other events up to the first iteration."""
    held: list[Event] = []
    for event in events:
        if isinstance(event, Note):
            yield event
            continue
        held.append(event)
        if isinstance(event, Progress):
            break
    return held


def explain_takeover(device: str, error: Exception) -> str:
    """Returns the sentence that says why the CPU computes the run instead of `device`."""
    reason = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return f"The CPU took over, because this cannot be computed on {device} ({reason})."


def use_deterministic_kernels() -> None:
    """Has CUDA compute convolutions in full single precision, with the same bits every time."""
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = False, True
