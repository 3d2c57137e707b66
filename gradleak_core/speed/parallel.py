"""Seeds shared out among threads. Several threads in one operation of a small network would wait for each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from itertools import chain

import torch
from torch import Tensor, nn

from gradleak_core.speed.recording import Step


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


def ahead(
    steps: Sequence[Step], rounds: Iterable[tuple[Tensor, ...]], most: int
) -> Generator[tuple[Tensor, ...], None, None]:
    """What the steps find round by round, each for its share of a round's first tensor (S, ...), one below the other.

    Several steps have a thread each, which may be that many rounds ahead of what is asked for, so that none waits for
    another in every round; a step never has two rounds at a time.
    """
    if len(steps) == 1:
        yield from (steps[0](*given) for given in rounds)
        return
    begun: deque[list[Future[tuple[Tensor, ...]]]] = deque()
    try:
        for rows, *whole in rounds:
            shares = rows.tensor_split(len(steps))
            begun.append([lane(n).submit(step, shares[n], *whole) for n, step in enumerate(steps)])
            if len(begun) > most:
                yield together([each.result() for each in begun[0]])
                begun.popleft()
        while begun:
            yield together([each.result() for each in begun[0]])
            begun.popleft()
    finally:
        wait([each for each in chain(*begun) if not each.cancel()])


def together(parts: Iterable[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    first, *others = parts
    return tuple(torch.cat(each) for each in zip(first, *others, strict=True)) if others else first


@cache
def lane(number: int) -> ThreadPoolExecutor:
    """One thread, which does one thing after the other."""
    return ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
