"""A step recorded once as a CUDA graph and replayed: one launch in place of thousands."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[..., tuple[Tensor, ...]]
"""Tensors to tensors, by operations that depend on shapes alone: it neither draws nor looks at a value."""
WARM_UP = 3
"""Runs before recording, in which libraries choose their kernels and take their memory."""


class Captured:
    """The same step, recorded at the first call with each set of shapes. CUDA only."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.recordings: dict[tuple[torch.Size, ...], Step] = {}

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        shapes = tuple(tensor.shape for tensor in given)
        if shapes not in self.recordings:
            self.recordings[shapes] = record(self.step, *given)
        return self.recordings[shapes](*given)


def record(step: Step, *given: Tensor) -> Step:
    """A function that replays what `step` does with tensors of these shapes."""
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
