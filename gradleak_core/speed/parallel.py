"""Restarts shared out among threads, since threads that share one operation of a small network wait for each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import cache
from itertools import chain
from typing import Any, Protocol

import torch
from torch import Tensor, nn

AHEAD = 2
"""Number of rounds that one thread may be ahead of the others."""
SHARING = ContextVar("SHARING", default=1)
"""Number of threads that share the restarts of the work being started."""


class Descending(Protocol):
    """An optimisation of some restarts, done round by round."""

    @property
    def standing(self) -> tuple[Tensor, Tensor]:
        """The point (S, N) at which each restart stands, and its distance there (S,)."""
        ...

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Does one round and returns its results (S, ...)."""
        ...

    def run(self, rounds: Iterable[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
        """Yields the results of each round, given the arguments of all."""
        ...

    def save(self) -> list[Any]:
        """Returns all that the next round depends on, for `resume`."""
        ...

    def resume(self, saved: list[Any]) -> None:
        """Goes on from what was saved by an optimisation of as many restarts, shared by as many threads."""
        ...

    def lost(self) -> Tensor:
        """Returns which restarts (S,) have diverged."""
        ...

    def begin_again(self, lost: Tensor, fresh: Tensor) -> None:
        """Moves the lost restarts (S,) to fresh points (S, N)."""
        ...


class Shared:
    """An optimisation of all restarts, shared by several that have a thread and some restarts each."""

    def __init__(self, works: Sequence[Descending], most: int) -> None:
        self.works, self.most = works, most

    @property
    def standing(self) -> tuple[Tensor, Tensor]:
        z, distance = zip(*(work.standing for work in self.works), strict=True)
        return torch.cat(z), torch.cat(distance)

    def run(self, rounds: Iterable[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
        return run_ahead(self.works, rounds, self.most)

    def save(self) -> list[Any]:
        return [work.save() for work in self.works]

    def resume(self, saved: list[Any]) -> None:
        for work, mine in zip(self.works, saved, strict=True):
            work.resume(mine)

    def lost(self) -> Tensor:
        return torch.cat([work.lost() for work in self.works])

    def begin_again(self, lost: Tensor, fresh: Tensor) -> None:
        shares = (each.tensor_split(len(self.works)) for each in (lost, fresh))
        for work, mine, anew in zip(self.works, *shares, strict=True):
            work.begin_again(mine, anew)


@contextmanager
def shared_out(
    start: Callable[[nn.Module, Tensor], Descending], model: nn.Module, z: Tensor, *, ahead: bool
) -> Iterator[Descending | Shared]:
    """Gives what `start` makes of a model and points z (S, N); on a CPU, of a share of the rows for each thread.

    Each share has a copy of the model, since only one thread at a time can compute with a model, and whoever looks at
    the attack may do so meanwhile. Torch itself has one thread as long as several share.
    """
    before = torch.get_num_threads()
    threads = min(len(z), before) if z.device.type == "cpu" else 1
    if threads == 1:
        yield start(model, z)
        return
    torch.set_num_threads(1)
    try:
        with sharing(threads):
            works = [start(deepcopy(model), rows) for rows in z.tensor_split(threads)]
        yield Shared(works, AHEAD if ahead else 0)
    finally:
        torch.set_num_threads(before)


@contextmanager
def sharing(threads: int) -> Iterator[None]:
    """Tells the work started meanwhile, by `SHARING`, how many threads share the restarts."""
    before = SHARING.set(threads)
    try:
        yield
    finally:
        SHARING.reset(before)


def run_ahead(
    steps: Sequence[Callable[..., tuple[Tensor, ...]]], rounds: Iterable[tuple[Tensor, ...]], most: int
) -> Generator[tuple[Tensor, ...], None, None]:
    """Yields what `map(step, rounds)` would, but splits the restarts of each round over several steps.

    Each step has a thread of its own and takes a share of the round's first tensor (S, ...). Their results are
    concatenated along S. A thread may be `most` rounds ahead of the one asked for, so that none waits for another in
    every round. A step never has two rounds at a time.
    """
    begun: deque[list[Future[tuple[Tensor, ...]]]] = deque()

    def oldest() -> tuple[Tensor, ...]:
        found = zip(*(each.result() for each in begun[0]), strict=True)
        begun.popleft()
        return tuple(torch.cat(each) for each in found)

    try:
        for rows, *whole in rounds:
            shares = rows.tensor_split(len(steps))
            begun.append([lane(n).submit(step, shares[n], *whole) for n, step in enumerate(steps)])
            if len(begun) > most:
                yield oldest()
        while begun:
            yield oldest()
    finally:
        wait([each for each in chain(*begun) if not each.cancel()])


@cache
def lane(number: int) -> ThreadPoolExecutor:
    """Returns the pool of one thread with this number, which does one task after the other."""
    return ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
