"""The losses of a run between two frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gradleak_core.types import Progress


class Curve:
    """The losses of every iteration since the last frame. Those on a GPU stay there until then, which spares a wait.

    On the CPU they are kept as numbers: small tensors that live on between the large ones of the iterations scatter
    them in memory, and slow the search by up to a tenth.
    """

    def __init__(self, losses: tuple[str, ...]) -> None:
        self.losses = losses
        self.first = 1
        self.lowest = float("inf")
        self._rows: list[list[Any]] = []

    def add(self, event: Progress) -> None:
        row = [*(event.losses[name] for name in self.losses), event.best]
        self._rows.append([each.tolist() for each in row] if event.best.is_cpu else row)

    def take(self) -> dict[str, Any]:
        """Returns the columns since the last call and forgets them; `first` is their first iteration.

        Each loss is that of the restart with the smallest distance in its iteration. `best` is the smallest distance
        of all restarts so far.
        """
        first = self.first
        columns: list[list[float]] = [[] for _ in range(len(self.losses) + 1)]
        if self._rows:
            rows = read_rows(self._rows)  # (N, losses + 1, restarts)
            restart = rows[:, :1].nan_to_num(nan=float("inf")).argmin(-1, keepdim=True)  # (N, 1, 1)
            losses = rows[:, :-1].gather(-1, restart.expand(-1, len(self.losses), 1)).squeeze(-1)
            best = rows[:, -1].nan_to_num(nan=float("inf")).amin(-1).clamp(max=self.lowest).cummin(0).values
            self.lowest = float(best[-1])
            columns = [*losses.T.tolist(), best.tolist()]
            self.first += len(self._rows)
            self._rows.clear()
        return {"first": first, "columns": dict(zip((*self.losses, "best"), columns, strict=True))}


def read_rows(rows: Sequence[Sequence[Any]]) -> Tensor:
    """Returns the losses of N iterations as (N, losses, restarts) on the CPU; each loss is a tensor or a list."""
    if isinstance(rows[0][0], list):
        return torch.tensor(rows)
    with torch.no_grad():
        return torch.stack([torch.stack(tuple(row)) for row in rows]).float().cpu()
