"""A step that is done thousands of times, recorded once and replayed without Python.

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
"""Tensors to tensors, by operations that depend on shapes alone: it neither draws nor looks at a value.

What it changes in place among the tensors it is given, it gives back.
"""
RECORDED_AT = 10
"""Calls before a program is recorded, which takes as long as four to ten of them."""
WARM_UP = 3
"""Runs before a graph is recorded, in which libraries choose their kernels and take their memory."""
INSIDE = ContextVar("INSIDE", default=False)


class Captured:
    """The same step, recorded for each set of shapes. Inside a larger captured step it is a part of that."""

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
                self.recordings[shapes] = launched(self.step, *given) if given[0].is_cuda else Proven(self.step)
            return self.recordings[shapes](*given)
        finally:
            INSIDE.reset(inside)


def launched(step: Step, *given: Tensor) -> Step:
    """As a graph, where its operations can be in one."""
    try:
        return graph(step, *given)
    except RuntimeError as error:
        return unrecorded(step, error)


def unrecorded(step: Step, reason: object) -> Step:
    first = str(reason).strip().splitlines()[0]
    warnings.warn(f"A step is not recorded, and so slower: {first}.", stacklevel=2)
    return step


def graph(step: Step, *given: Tensor) -> Step:
    """A function that replays what `step` does with tensors of these shapes on a CUDA device."""
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


class Proven:
    """A step until its program, recorded at one point, has given the same bits at the next; from then on the program.

    Where it gives others, or cannot be recorded, the step goes on as it is, with a warning.
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
            self.best = self.proven(copies, found)
        return found

    def proven(self, given: Sequence[Tensor], found: tuple[Tensor, ...]) -> Step:
        """Returns the program if it gives at one point what the step has found there, else the step."""
        try:
            from gradleak_core.speed.script import Unrecordable, program
        except (ImportError, AttributeError):
            return self.step  # this PyTorch has no TorchScript
        try:
            candidate = program(self.step, *self.point)
            if all(torch.allclose(a, b, 0, 0, True) for a, b in zip(candidate(*given), found, strict=True)):
                return candidate
        except (RuntimeError, Unrecordable, AttributeError, TypeError) as error:
            return unrecorded(self.step, error)  # the graph has no public name, and may change with PyTorch
        return unrecorded(self.step, "the recording gives other values")
