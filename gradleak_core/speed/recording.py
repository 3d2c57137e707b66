"""Steps that are done thousands of times, recorded once and replayed without Python.

On a CUDA device it becomes a graph: one launch in place of thousands. Elsewhere it becomes a program of the operations
that PyTorch was seen to do (`script.py`), where this PyTorch has the means for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import torch
from torch import Tensor

Step = Callable[..., tuple[Tensor, ...]]
"""Maps tensors to tensors by operations that depend on shapes alone: it neither draws nor looks at a value.

It returns whatever it changes in place among the tensors it is given.
"""
RECORDED_AT = 10
"""Number of calls before a program is recorded. To record takes as long as four to ten calls."""
WARM_UP = 3
"""Number of runs before a graph is recorded, in which libraries choose their kernels and take their memory."""
INSIDE = ContextVar("INSIDE", default=False)
"""True while a recorded step runs."""


class RecordedStep:
    """A step with a recording for each set of shapes that its arguments have.

    Called within a larger recorded step, it runs as it is and becomes a part of that one's recording.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.recordings: dict[tuple[torch.Size, ...], Step] = {}

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        if INSIDE.get():
            return self.step(*given)
        inside = INSIDE.set(True)
        try:
            shapes = tuple(tensor.shape for tensor in given)
            if shapes not in self.recordings:
                cuda = given[0].is_cuda
                self.recordings[shapes] = graph_or_step(self.step, *given) if cuda else VerifiedReplay(self.step)
            return self.recordings[shapes](*given)
        finally:
            INSIDE.reset(inside)


def graph_or_step(step: Step, *given: Tensor) -> Step:
    """Returns the step as a CUDA graph, or the step itself, with a warning, if no graph can hold its operations."""
    try:
        return graph(step, *given)
    except RuntimeError as error:
        return warn_unrecorded(step, error)


def warn_unrecorded(step: Step, reason: object) -> Step:
    """Warns that a step is not recorded, with the first line of the reason, and returns the step."""
    first = str(reason).strip().splitlines()[0]
    warnings.warn(f"A step is not recorded, and so slower: {first}.", stacklevel=2)
    return step


def graph(step: Step, *given: Tensor) -> Step:
    """Returns a function that replays what `step` does with tensors of these shapes on a CUDA device.

    Raises `RuntimeError` when an operation cannot be in a graph.
    """
    places = [tensor.detach().clone() for tensor in given]
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            step(*places)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = step(*places)

    def replay(*tensors: Tensor) -> tuple[Tensor, ...]:
        for place, tensor in zip(places, tensors, strict=True):
            place.copy_(tensor)
        graph.replay()
        return tuple(tensor.clone() for tensor in found)

    return replay


class VerifiedReplay:
    """A step that its recorded program replaces once the program has given the same bits at another point.

    Where the program gives others, or cannot be recorded, the step goes on as it is, with a warning.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.calls = 0
        self.best: Step | None = None

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        if self.best is not None:
            return self.best(*given)
        self.calls += 1
        copies = [tensor.clone() for tensor in given] if self.calls >= RECORDED_AT else []
        found = self.step(*given)
        if self.calls == RECORDED_AT:
            self.point = copies
        elif self.calls > RECORDED_AT:
            self.best = self.verify(copies, found)
        return found

    def verify(self, given: Sequence[Tensor], found: tuple[Tensor, ...]) -> Step:
        """Returns the program if it gives at one point what the step has found there, else the step."""
        try:
            from gradleak_core.speed.script import Unrecordable, to_torchscript
        except (ImportError, AttributeError):
            return self.step  # this PyTorch has no TorchScript
        try:
            candidate = to_torchscript(self.step, *self.point)
            if all(torch.allclose(a, b, 0, 0, True) for a, b in zip(candidate(*given), found, strict=True)):
                return candidate
        except (RuntimeError, Unrecordable, AttributeError, TypeError) as error:
            return warn_unrecorded(self.step, error)  # the graph has no public name, and may change with PyTorch
        return warn_unrecorded(self.step, "the recording gives other values")
