"""A context in which every tensor operation passes through one method."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


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
