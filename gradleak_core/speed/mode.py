"""A context in which every tensor operation passes through one method, and by it the number of values computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class OperationMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """PyTorch's dispatch mode, which loads no compiler.

    PyTorch keeps its compiler out of such a mode, and imports all of it to do so, in the middle of the first run. That
    takes longer than the run.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


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
