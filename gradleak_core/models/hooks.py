"""Looking at the inputs and outputs of layers while a model computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from torch import Tensor, nn

Name = TypeVar("Name")
Seen = TypeVar("Seen")


@contextmanager
def watching(
    layers: Mapping[Name, nn.Module], look: Callable[[Any, Tensor, Tensor], Seen]
) -> Iterator[dict[Name, list[Seen]]]:
    """Yields a list by name that gets `look(layer, x, y)` whenever a layer maps x to y. Its hooks go when it closes."""
    seen: dict[Name, list[Seen]] = {name: [] for name in layers}

    def watch(name: Name, layer: nn.Module) -> Callable[[], None]:
        return layer.register_forward_hook(lambda _, args, y: seen[name].append(look(layer, args[0], y))).remove

    with ExitStack() as stack:
        for name, layer in layers.items():
            stack.callback(watch(name, layer))
        yield seen
