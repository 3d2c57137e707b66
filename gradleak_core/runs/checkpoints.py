"""What a worker writes down of a run, so that another one can take it up where it was."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import torch

from gradleak_core.runs.controls import Controls
from gradleak_core.types import Checkpoint, Saved

EVERY = 2.0
"""The fewest seconds between two checkpoints. A worker that dies while it writes one loses the work of two intervals,
which has to stay below 5 seconds."""
BYTES_WRITTEN_A_SECOND = 4_000_000
"""The most that checkpoints write on average. Larger ones come less often."""
LARGEST_CHECKPOINT = 64 * 2**20
"""The largest checkpoint. A run whose search has more to remember begins anew, and comes to the same picture."""


class Checkpoints:
    """The choice of when a run is written down, and the writing."""

    def __init__(self, controls: Controls, send: Callable[..., None]) -> None:
        self.controls, self.send = controls, send
        self.next = time.perf_counter() + EVERY

    @property
    def due(self) -> bool:
        """Returns whether the run should be written down at the next opportunity."""
        return self.controls.leaving or time.perf_counter() >= self.next

    def write(self, run: str, event: Checkpoint, beside: Saved) -> None:
        """Sends the state of the search and what else belongs `beside` it. A run that is too large for that stays."""
        begun, file = time.perf_counter(), io.BytesIO()
        torch.save({"search": event.save(), **beside}, file)
        if file.tell() > LARGEST_CHECKPOINT:
            self.next, self.controls.leaving = float("inf"), False
            return
        self.send({"type": "checkpoint", "run": run, "iteration": event.iteration}, file.getvalue())
        self.next = begun + max(EVERY, file.tell() / BYTES_WRITTEN_A_SECOND)


def read_checkpoint(state: bytes, device: str) -> dict[str, Any]:
    """Returns what was written down of a run, with its tensors on a device. It holds tensors and plain values only."""
    saved: dict[str, Any] = torch.load(io.BytesIO(state), map_location=device, weights_only=True)
    return saved
