"""Counting the values that a network computes, which tells how many restarts fit into memory at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from gradleak_core.speed.mode import OperationMode


class Counting(OperationMode):  # type: ignore[no-untyped-call]
    """A context that counts the values which torch operations return inside it; views are not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.count: int = 0

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = op(*args, **(kwargs or {}))
        if not op.is_view:
            self.count += sum(value.numel() for value in tree_leaves(found) if isinstance(value, Tensor))
        return found


def values(model: nn.Module, x: Tensor) -> int:
    """Returns how many values a forward pass of images x (B, C, H, W) computes."""
    with torch.no_grad(), Counting() as counting:
        model(x)
    return int(counting.count)
