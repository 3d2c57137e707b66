"""Looking at what layers are given and give while a model computes."""

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
    """Yields by name what `look(layer, x, y)` makes of each pass through a layer, from x to y; no hook outlives it."""
    seen: dict[Name, list[Seen]] = {name: [] for name in layers}

    def watch(name: Name, layer: nn.Module) -> Callable[[], None]:
        return layer.register_forward_hook(lambda _, args, y: seen[name].append(look(layer, args[0], y))).remove

    with ExitStack() as stack:
        for name, layer in layers.items():
            stack.callback(watch(name, layer))
        yield seen
