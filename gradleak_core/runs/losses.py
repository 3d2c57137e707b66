"""The losses of a run between two frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from gradleak_core.types import Progress

if TYPE_CHECKING:
    from torch import Tensor


class Curve:
    """The losses of every iteration since the last frame, kept on the device until then."""

    def __init__(self, losses: tuple[str, ...]) -> None:
        self.losses = losses
        self.first = 1
        self.lowest = float("inf")
        self._rows: list[tuple[Tensor, ...]] = []

    def add(self, event: Progress) -> None:
        self._rows.append((*(event.losses[name] for name in self.losses), event.best))

    def take(self) -> dict[str, Any]:
        """Returns the columns since the last call and forgets them; `first` is their first iteration.

        Each loss is that of the restart with the smallest distance in its iteration. `best` is the smallest distance
        of all restarts so far.
        """
        first = self.first
        columns: list[list[float]] = [[] for _ in range(len(self.losses) + 1)]
        if self._rows:
            flat = torch.stack([each.detach() for row in self._rows for each in row]).float().cpu()
            rows = flat.view(len(self._rows), -1, flat.size(1))  # (N, losses + 1, restarts)
            restart = rows[:, :1].nan_to_num(nan=float("inf")).argmin(-1, keepdim=True)  # (N, 1, 1)
            losses = rows[:, :-1].gather(-1, restart.expand(-1, len(self.losses), 1)).squeeze(-1)
            best = rows[:, -1].nan_to_num(nan=float("inf")).amin(-1).clamp(max=self.lowest).cummin(0).values
            self.lowest = float(best[-1])
            columns = [*losses.T.tolist(), best.tolist()]
            self.first += len(self._rows)
            self._rows.clear()
        return {"first": first, "columns": dict(zip((*self.losses, "best"), columns, strict=True))}
