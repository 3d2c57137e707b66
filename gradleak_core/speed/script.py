"""Steps as TorchScript programs: the one module that knows TorchScript, which PyTorch deprecates.

The program holds the operations that PyTorch was seen to do, backward passes included; none is fused, so it gives the
same bits. Where it cannot be imported, steps are not recorded. docs/architecture.md says what may replace it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.jit import optimized_execution  # type: ignore[attr-defined]
from torch.utils.weak import WeakTensorKeyDictionary

from gradleak_core.speed.mode import OperationMode

MAY_ALIAS = frozenset(getattr(torch.ops.aten, name).default for name in ("detach", "alias", "view", "expand"))
"""Operations that may return their argument under another name."""
MEMORY_FORMATS = (torch.contiguous_format, torch.preserve_format, torch.channels_last)
"""Indexed by TorchScript's number for each memory format."""
TENSORS = torch._C.ListType(torch._C.TensorType.get())


class Unrecordable(Exception):
    """The error of an operation that a program cannot repeat."""


def to_torchscript(step: Callable[..., tuple[Tensor, ...]], *given: Tensor) -> Callable[..., tuple[Tensor, ...]]:
    """Returns a function that does what `step` does with tensors of these shapes, without gradients.

    Raises `Unrecordable` or `RuntimeError` when a program cannot hold an operation.
    """
    tracer = Tracer(*given)
    with tracer:
        found = step(*given)
    compiled, constants = tracer.compile(*found), tracer.constants

    def replay(*tensors: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad(), optimized_execution(False):
            replayed: tuple[Tensor, ...] = compiled(*tensors, *constants)
        return replayed

    return replay


def same(a: Tensor, b: Tensor) -> bool:
    """Returns whether two tensors have one shape and one memory layout."""
    return (a.shape, a.stride()) == (b.shape, b.stride())


class Tracer(OperationMode):  # type: ignore[no-untyped-call]
    """A mode that records every operation as a node of a TorchScript graph. Tensors from elsewhere are constants.

    To build the graph node by node is quicker than to write source and have that compiled.
    """

    def __init__(self, *given: Tensor) -> None:
        super().__init__()
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
        if op in MAY_ALIAS and same(found, args[0]):
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
        """Adds a node of this operation to the graph and returns its output values."""
        return [*self.graph.insertNode(self.graph.create(name, inputs, outputs)).outputs()]

    def value(self, value: Any, kind: Any) -> Any:
        """Returns the graph's value for an argument whose type in the schema is `kind`."""
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
        """Returns the graph's value for a constant other than a tensor. Raises `Unrecordable` if none can hold it."""
        if isinstance(value, torch.Generator):
            raise Unrecordable("it draws from a generator of its own")
        key = repr(value)  # 1, 1.0 and True are equal
        if key not in self.literals:
            written: Any = MEMORY_FORMATS.index(value) if value in MEMORY_FORMATS else value
            written = [*written] if isinstance(written, tuple) else written
            try:
                self.literals[key] = self.graph.insertConstant(written)  # type: ignore[attr-defined]
            except TypeError as error:
                raise Unrecordable(f"{value} cannot be written down") from error
        return self.literals[key]

    def compile(self, *found: Tensor) -> Any:
        """Returns the program that gives these tensors; its arguments are the step's own, then the constants."""
        for tensor in found:
            self.graph.registerOutput(self.value(tensor, None))
        self.graph.makeMultiOutputIntoTuple()
        torch._C._jit_pass_dce(self.graph)  # what nothing needs
        return torch._C._create_function_from_graph("step", self.graph)
