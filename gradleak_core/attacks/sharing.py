"""Seeds shared out among threads. Several threads in one operation of a small network would wait for each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn

from gradleak_core.attacks.capture import Step


@contextmanager
def sharing(seeds: int, model: nn.Module) -> Iterator[int]:
    """How many threads share the seeds; each of them, and torch meanwhile, has one. Devices do not share seeds out."""
    before = torch.get_num_threads()
    if seeds == 1 or next(model.parameters()).device.type != "cpu":
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield min(seeds, before)
    finally:
        torch.set_num_threads(before)


def shared(steps: Sequence[Step], rows: Sequence[Tensor], *whole: Tensor) -> tuple[Tensor, ...]:
    """What the steps find, each in a thread of its own for its share of the rows, one below the other."""
    if len(steps) == 1:
        return steps[0](*rows, *whole)
    shares = [*zip(*(each.tensor_split(len(steps)) for each in rows), strict=True)]
    others = pool(len(steps) - 1).map(lambda step, share: step(*share, *whole), steps[1:], shares[1:])
    return together([steps[0](*shares[0], *whole), *others])


def together(parts: Iterable[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    first, *others = parts
    return tuple(torch.cat(each) for each in zip(first, *others, strict=True)) if others else first


@cache
def pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
