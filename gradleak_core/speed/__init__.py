"""Faster ways to the same results; `docs/performance.md` says by how much, and what was tried.

A reader who never opens this folder misses nothing but time. Two doors lead in: `updates` gives the update of a guess
in a quicker way than `client.local_update`, and `faster` and `side_by_side` make its step quicker. `plain()` and
GRADLEAK_SPEED=off shut both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

from torch import Tensor, nn

from gradleak_core.config.demand import RECORDED
from gradleak_core.speed.parallel import SHARING, Descending, Shared, shared_out
from gradleak_core.speed.quick import QuickUpdates
from gradleak_core.speed.recording import RecordedStep, Step
from gradleak_core.types import Observation

__all__ = ["Descending", "Shared", "Step", "faster", "plain", "side_by_side", "updates"]

SHUT = ContextVar("SHUT", default=os.environ.get("GRADLEAK_SPEED") == "off")
"""True while both doors are shut."""


@contextmanager
def plain() -> Iterator[None]:
    """Shuts both doors: an attack begun meanwhile computes as the papers say it, and slower."""
    before = SHUT.set(True)
    try:
        yield
    finally:
        SHUT.reset(before)


def updates(model: nn.Module, observation: Observation, *, by_products: bool) -> QuickUpdates | None:
    """Returns the quickest updates of guesses that there are for a model; None when this door is shut.

    A distance computed `by_products` alone gets large gradients as two factors that are never multiplied out.
    """
    return None if SHUT.get() else QuickUpdates(model, observation, by_products=by_products)


def faster(step: Step, *, fixed: bool, state: Sequence[Tensor] = ()) -> Step:
    """Returns a step with the same results that is recorded once and replayed without Python, where that is possible.

    It has to be `fixed`: the same function at every call. The `state` (S, ...) that goes from call to call is copied,
    and must not be too large for that.
    """
    large = sum(tensor.numel() for tensor in state) * SHARING.get() > RECORDED
    return step if SHUT.get() or large or not fixed else RecordedStep(step)


def side_by_side(
    start: Callable[[nn.Module, Tensor], Descending], model: nn.Module, z: Tensor, *, fixed: bool
) -> AbstractContextManager[Descending | Shared]:
    """Gives what `start` makes of a model and of points z (S, N), or of a share of the rows of z for each CPU thread.

    The shares run ahead of each other if their rounds are `fixed` beforehand.
    """
    return nullcontext(start(model, z)) if SHUT.get() else shared_out(start, model, z, ahead=fixed)
