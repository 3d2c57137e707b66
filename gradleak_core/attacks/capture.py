"""A step that is done thousands of times, recorded once and replayed without Python.

On a CUDA device it becomes a graph: one launch in place of thousands. Elsewhere it becomes a TorchScript program of the
operations that PyTorch was seen to do, backward passes included; none is fused or left out, so it gives the same bits.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.jit import optimized_execution  # type: ignore[attr-defined]
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

Step = Callable[..., tuple[Tensor, ...]]
"""Tensors to tensors, by operations that depend on shapes alone: it neither draws nor looks at a value.

What it changes in place among the tensors it is given, it gives back.
"""
FIRST = 20
"""Calls before a program is recorded, which takes as long as some twenty of them."""
WARM_UP = 3
"""Runs before a graph is recorded, in which libraries choose their kernels and take their memory."""
NAMESAKES = frozenset(getattr(torch.ops.aten, name).default for name in ("detach", "alias", "view", "expand"))
"""Operations that may give what they were given, under another name."""
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
        copies = [tensor.clone() for tensor in given] if self.calls >= FIRST else []
        found = self.step(*given)
        if self.calls == FIRST:
            self.point = copies
        elif self.calls > FIRST:
            self.best = self.proven(copies, found)
        return found

    def proven(self, given: Sequence[Tensor], found: tuple[Tensor, ...]) -> Step:
        try:
            candidate = program(self.step, *self.point)
            if all(torch.allclose(a, b, 0, 0, True) for a, b in zip(candidate(*given), found, strict=True)):
                return candidate
        except (RuntimeError, Unrecordable) as error:
            return unrecorded(self.step, error)
        return unrecorded(self.step, "the recording gives other values")


class Unrecordable(Exception):
    """An operation that a program cannot repeat."""


def program(step: Step, *given: Tensor) -> Step:
    """A function that does what `step` does with tensors of these shapes. Raises `Unrecordable` and `RuntimeError`."""
    listing = Listing(*given)
    with listing:
        found = step(*given)
    with optimized_execution(False):
        compiled = torch.jit.CompilationUnit(listing.source(*found)).step
    constants = listing.constants

    def replay(*tensors: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad(), optimized_execution(False):
            replayed: tuple[Tensor, ...] = compiled(*tensors, *constants)
        return replayed

    return replay


def same(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.stride()) == (b.shape, b.stride())


class Listing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down every operation that is done while it is entered. Tensors from elsewhere are constants."""

    def __init__(self, *given: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names = WeakTensorKeyDictionary()
        self.fresh = (f"x{number}" for number in itertools.count())
        self.arguments = [self.named(tensor, next(self.fresh)) for tensor in given]
        self.constants: list[Tensor] = []
        self.lines: list[str] = []

    def named(self, tensor: Tensor, name: str) -> str:
        self.names[tensor] = name
        return name

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if op.is_view and args[0] not in self.names:
            return op(*args, **kwargs)  # of a constant, and so one itself
        words = [*map(self.word, args), *(f"{name}={self.word(value)}" for name, value in kwargs.items())]
        found = op(*args, **kwargs)
        if op in NAMESAKES and same(found, args[0]):
            self.named(found, words[0])
            return found
        if op is torch.ops.aten._to_copy.default and not isinstance(args[0], Tensor):
            return found  # a number made a tensor, and so a constant
        several = [*found] if isinstance(found, (tuple, list)) else [found]
        if not all(each is None or isinstance(each, Tensor) for each in several):
            raise Unrecordable(f"{op} looks at a value")
        names = [next(self.fresh) if each is None else self.named(each, next(self.fresh)) for each in several]
        left = ", ".join(names) + "," * (several[0] is not found and len(names) == 1)
        self.lines.append(f"{left} = torch.ops.{op.namespace}.{op.overloadpacket.__name__}({', '.join(words)})")
        return found

    def word(self, value: Any) -> str:
        """An argument as TorchScript writes it."""
        if isinstance(value, Tensor):
            if value not in self.names:
                self.constants.append(value.detach())
                self.named(value, f"c{len(self.constants) - 1}")
            return str(self.names[value])
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(self.word, value))}]"
        if isinstance(value, torch.device):
            return f"torch.device('{value}')"
        if isinstance(value, float) and not math.isfinite(value):
            return f"float('{value}')"
        if isinstance(value, torch.Generator):
            raise Unrecordable("it draws from a generator of its own")
        return repr(value)

    def source(self, *found: Tensor) -> str:
        results = ", ".join(map(self.word, found))
        arguments = [*self.arguments, *(f"c{number}" for number in range(len(self.constants)))]
        lines = [*self.lines, f"return ({results},)"]
        return f"def step({', '.join(arguments)}):\n" + "".join(f"    {line}\n" for line in lines)
