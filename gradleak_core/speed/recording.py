"""A step that is done thousands of times, recorded once and replayed without Python.

On a CUDA device it becomes a graph: one launch in place of thousands. Elsewhere it becomes a TorchScript program of the
operations that PyTorch was seen to do, backward passes included; none is fused, so it gives the same bits.
"""

from __future__ import annotations

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
FIRST = 10
"""Calls before a program is recorded, which takes as long as four to ten of them."""
WARM_UP = 3
"""Runs before a graph is recorded, in which libraries choose their kernels and take their memory."""
NAMESAKES = frozenset(getattr(torch.ops.aten, name).default for name in ("detach", "alias", "view", "expand"))
"""Operations that may give what they were given, under another name."""
FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last)
"""In the order of their numbers."""
TENSORS = torch._C.ListType(torch._C.TensorType.get())
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
        except (RuntimeError, Unrecordable, AttributeError, TypeError) as error:
            return unrecorded(self.step, error)  # the graph has no public name, and may change with PyTorch
        return unrecorded(self.step, "the recording gives other values")


class Unrecordable(Exception):
    """An operation that a program cannot repeat."""


def program(step: Step, *given: Tensor) -> Step:
    """A function that does what `step` does with tensors of these shapes. Raises `Unrecordable` and `RuntimeError`."""
    listing = Listing(*given)
    with listing:
        found = step(*given)
    compiled, constants = listing.compiled(*found), listing.constants

    def replay(*tensors: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad(), optimized_execution(False):
            replayed: tuple[Tensor, ...] = compiled(*tensors, *constants)
        return replayed

    return replay


def same(a: Tensor, b: Tensor) -> bool:
    return (a.shape, a.stride()) == (b.shape, b.stride())


class Listing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down every operation that is done while it is entered. Tensors from elsewhere are constants.

    It makes TorchScript's graph node by node, which is quicker than to write source and have that compiled.
    """

    def __init__(self, *given: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = torch._C.Graph()
        self.values = WeakTensorKeyDictionary()
        self.constants: list[Tensor] = []
        self.literals: dict[str, Any] = {}
        for tensor in given:
            self.values[tensor] = self.graph.addInput()

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if op.is_view and args[0] not in self.values:
            return op(*args, **kwargs)  # of a constant, and so one itself
        schema = op._schema
        rest = [kwargs.get(each.name, each.default_value) for each in schema.arguments[len(args) :]]
        inputs = [self.value(value, each.type) for value, each in zip((*args, *rest), schema.arguments, strict=True)]
        found = op(*args, **kwargs)
        if op in NAMESAKES and same(found, args[0]):
            self.values[found] = inputs[0]
            return found
        if op is torch.ops.aten._to_copy.default and not isinstance(args[0], Tensor):
            return found  # a number made a tensor, and so a constant
        several = [*found] if isinstance(found, (tuple, list)) else [found] * len(schema.returns)
        if not all(each is None or isinstance(each, Tensor) for each in several):
            raise Unrecordable(f"{op} looks at a value")
        outputs = self.node(schema.name, inputs, len(schema.returns))
        if isinstance(found, list):
            outputs[0].setType(TENSORS)
            outputs = self.node("prim::ListUnpack", outputs, len(found))
        for tensor, output in zip(several, outputs, strict=True):
            if tensor is not None:
                self.values[tensor] = output
        return found

    def node(self, name: str, inputs: Sequence[Any], outputs: int) -> list[Any]:
        return [*self.graph.insertNode(self.graph.create(name, inputs, outputs)).outputs()]

    def value(self, value: Any, kind: Any) -> Any:
        """An argument of this type of the schema."""
        if isinstance(value, Tensor):
            if value not in self.values:
                self.constants.append(value.detach())
                self.values[value] = self.graph.addInput()
            return self.values[value]
        if not isinstance(value, (list, tuple)):
            return self.literal(value)
        if {type(each) for each in value} == {int}:
            return self.literal(tuple(value))
        kind = kind.getElementType() if kind.kind() == "OptionalType" else kind
        (found,) = self.node("prim::ListConstruct", [self.value(each, kind.getElementType()) for each in value], 1)
        found.setType(kind)
        return found

    def literal(self, value: Any) -> Any:
        """What is the same at every call, written down once."""
        if isinstance(value, torch.Generator):
            raise Unrecordable("it draws from a generator of its own")
        key = repr(value)  # 1, 1.0 and True are equal
        if key not in self.literals:
            written: Any = FORMATS.index(value) if value in FORMATS else value
            written = [*written] if isinstance(written, tuple) else written
            try:
                self.literals[key] = self.graph.insertConstant(written)  # type: ignore[attr-defined]
            except TypeError as error:
                raise Unrecordable(f"{value} cannot be written down") from error
        return self.literals[key]

    def compiled(self, *found: Tensor) -> Any:
        """The program that gives what was found; its arguments are what was given, then the constants."""
        for tensor in found:
            self.graph.registerOutput(self.value(tensor, None))
        self.graph.makeMultiOutputIntoTuple()
        torch._C._jit_pass_dce(self.graph)  # what nothing needs
        return torch._C._create_function_from_graph("step", self.graph)
