"""Optimisers over S independent rows of z at once. One evaluation an iteration, for every seed alike.

An optimiser is told the loss and gradient where it asked for them, and answers with where to look next.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Annotated, ClassVar, Literal, Protocol

import torch
from torch import Tensor

from gradleak_core.types import Knob

RATE = Knob("Step size", "How far one step goes, in pixel units of [0, 1].", 1e-5, 10, log=True)


class Search(Protocol):
    """One optimisation. Its state goes into every move and comes out of it."""

    pure: ClassVar[bool]
    """Whether a move depends on nothing but the tensors it is given, by operations that look at no value."""
    state: tuple[Tensor, ...]

    def move(
        self, z: Tensor, loss: Tensor, grad: Tensor, rate: Tensor, noise: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Where to look next (S, N), and the state then, after z (S, N) gave loss (S,) and grad (S, N).

        The step size is `rate` (); `noise` is (S, N), or (S, 0) where there is none.
        """
        ...

    def lost(self) -> Tensor:
        """(S,): seeds that have diverged or cannot move any more."""
        ...

    def forget(self, seeds: Tensor) -> None:
        """Start anew for the seeds (S,) that are true."""
        ...


class Optimiser(Protocol):
    """The settings of an optimisation."""

    title: ClassVar[str]

    def start(self, z: Tensor) -> Search: ...
    def rate(self, done: float) -> float:
        """The step size when this share of the run is done."""
        ...

    def drawn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """The noise of one move from z (S, N) in step sizes: (S, N), or (S, 0) for none."""
        ...


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015) with a falling step size; a seed whose loss explodes is lost."""

    lr: Annotated[float, RATE] = 0.1
    schedule: Annotated[
        Literal["constant", "steps", "cosine"],
        Knob("Schedule", "How the step size falls: not at all, by ten at 3/8, 5/8 and 7/8 of the run, or as a cosine."),
    ] = "steps"
    warm_up: Annotated[float, Knob("Warm-up", "The share of the run in which the step size rises to full.", 0, 0.5)] = (
        0.0
    )
    noise: Annotated[
        float, Knob("Langevin noise", "Deviation of the noise added after every step, in step sizes.", 0, 10)
    ] = 0.0
    title: ClassVar[str] = "Adam"

    def start(self, z: Tensor) -> Search:
        return AdamSearch(z)

    def rate(self, done: float) -> float:
        if done < self.warm_up:
            return self.lr * done / self.warm_up
        if self.schedule == "steps":
            return self.lr * 0.1 ** sum(done >= m for m in (3 / 8, 5 / 8, 7 / 8))
        return self.lr * (0.5 + 0.5 * cos(pi * min(done, 1))) if self.schedule == "cosine" else self.lr

    def drawn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return self.noise * torch.randn(z.shape, generator=generator).to(z) if self.noise else z[:, :0]


class AdamSearch:
    pure: ClassVar = True
    state: tuple[Tensor, ...]

    def __init__(self, z: Tensor) -> None:
        still, none = torch.zeros_like(z), z.new_zeros(len(z))
        self.state = (still, still, none, none + torch.nan, none)

    def move(
        self, z: Tensor, loss: Tensor, grad: Tensor, rate: Tensor, noise: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        mean, square, count, first, _ = state
        mean, square, count = mean.lerp(grad, 0.1), square.lerp(grad.square(), 0.001), count + 1
        across, scale = mean / (1 - 0.9 ** count[:, None]), square / (1 - 0.999 ** count[:, None])
        moved = z - rate * across / (scale.sqrt() + 1e-8)
        if noise.size(1):
            moved = moved + rate * noise
        return moved, mean, square, count, torch.where(first.isnan(), loss, first), loss

    def lost(self) -> Tensor:
        *_, first, last = self.state
        return ~last.isfinite() | (last > 1e3 * first.abs())

    def forget(self, seeds: Tensor) -> None:
        mean, square, count, first, last = self.state
        mean, square = (moment.masked_fill(seeds[:, None], 0) for moment in (mean, square))
        self.state = mean, square, count.masked_fill(seeds, 0), first.masked_fill(seeds, torch.nan), last


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS with backtracking (Nocedal & Wright, ch. 3 and 7), one evaluation an iteration.

    A trial point that does not lower the loss enough (Armijo, 1e-4) is refused and the step shortened by a parabola;
    a seed whose step has shrunk to nothing along the gradient itself is lost.
    Departs from DLG's code, which counts 20 inner iterations as one and takes every full step.
    """

    lr: Annotated[float, RATE] = 1.0
    history: Annotated[int, Knob("History", "How many past steps shape the next one.", 1, 200)] = 100
    title: ClassVar[str] = "L-BFGS"

    def start(self, z: Tensor) -> Search:
        return LBFGSSearch(self.history, z)

    def rate(self, done: float) -> float:
        return self.lr

    def drawn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return z[:, :0]


class LBFGSSearch:
    """The inverse Hessian in compact form, H = γI + [S γY] M [S γY]ᵀ (Byrd, Nocedal & Schnabel 1994, eq. 2.6).

    s and y of the last m accepted steps lie in rings (S, m, N); their inner products are kept beside them.
    """

    pure: ClassVar = False
    state: tuple[Tensor, ...] = ()

    def __init__(self, m: int, z: Tensor) -> None:
        seeds, size = z.shape
        self.history = m
        self.moves, self.bends = z.new_zeros(seeds, m, size), z.new_zeros(seeds, m, size)  # s and y
        self.sy = z.new_zeros(seeds, m, m, dtype=torch.float64)
        self.yy = z.new_zeros(seeds, m, m, dtype=torch.float64)
        self.stored = 0
        self.gamma = z.new_ones(seeds)
        self.base, self.grad, self.direction = z.clone(), torch.zeros_like(z), torch.zeros_like(z)
        self.loss, self.slope, self.length = z.new_full((seeds,), torch.inf), z.new_zeros(seeds), z.new_zeros(seeds)
        self.steepest = z.new_ones(seeds, dtype=torch.bool)
        self.stuck = z.new_zeros(seeds, dtype=torch.bool)

    def move(
        self, z: Tensor, loss: Tensor, grad: Tensor, rate: Tensor, noise: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        accepted = loss.isfinite() & (loss <= self.loss + 1e-4 * self.length * self.slope)
        self._shorten(loss)
        if bool(accepted.any()):
            self._store(z, grad, accepted)
            yes = accepted[:, None]
            self.base, self.grad = torch.where(yes, z, self.base), torch.where(yes, grad, self.grad)
            self.loss = torch.where(accepted, loss, self.loss)
        tiny = ~accepted & (self.length < 1e-7)
        self.stuck = (self.stuck | tiny & self.steepest) & ~accepted | ~self.loss.isfinite()
        self._clear(tiny)
        self._aim(accepted, tiny, rate)
        return (self.base + self.length[:, None] * self.direction,)

    def _shorten(self, loss: Tensor) -> None:
        """The minimum of the parabola through the base's loss and slope and the trial's loss, kept in [0.1, 0.5]."""
        bend = loss - self.loss - self.slope * self.length
        factor = (-self.slope * self.length / (2 * bend)).nan_to_num(0.1).clamp(0.1, 0.5)
        self.length = self.length * factor

    def _store(self, z: Tensor, grad: Tensor, accepted: Tensor) -> None:
        s, y = z - self.base, grad - self.grad
        curvature = (s * y).sum(1)
        keep = accepted & self.loss.isfinite() & (curvature > 1e-10 * (s * s).sum(1))
        if not bool(keep.any()):
            return
        s, y = s * keep[:, None], y * keep[:, None]
        slot = self.stored % self.history
        self.moves[:, slot], self.bends[:, slot] = s, y
        self.stored += 1
        n = min(self.stored, self.history)
        [moved] = dots(self.moves[:, :n], y)
        bent, bent_too = dots(self.bends[:, :n], s, y)
        self.sy[:, slot, :n], self.sy[:, :n, slot] = bent, moved
        self.yy[:, slot, :n] = self.yy[:, :n, slot] = bent_too
        self.gamma = torch.where(keep, curvature / (y * y).sum(1), self.gamma)

    def _aim(self, accepted: Tensor, tiny: Tensor, rate: Tensor) -> None:
        """A new direction where the base moved or the memory was cleared; downhill always."""
        fresh = accepted | tiny
        if not bool(fresh.any()):
            return
        newton = -self._inverse_times(self.grad)
        slope = (newton * self.grad).sum(1)
        plain = ~(slope < 0) | tiny | (self.sy.diagonal(dim1=1, dim2=2).sum(1) == 0)
        direction = torch.where(plain[:, None], -self.grad, newton)
        length = torch.where(plain, rate / self.grad.abs().sum(1).clamp(min=1), rate)
        self.direction = torch.where(fresh[:, None], direction, self.direction)
        self.length = torch.where(fresh, length, self.length)
        self.slope = (self.direction * self.grad).sum(1)
        self.steepest = torch.where(fresh, plain, self.steepest)

    def _inverse_times(self, g: Tensor) -> Tensor:
        m, n = self.history, min(self.stored, self.history)
        if n == 0:
            return self.gamma[:, None] * g
        order = [i % m for i in range(self.stored - n, self.stored)]
        moves, bends = self.moves[:, :n], self.bends[:, :n]
        sy, yy = self.sy[:, order][:, :, order], self.yy[:, order][:, :, order]
        weights = sy.diagonal(dim1=1, dim2=2)
        upper = sy.triu() + torch.diag_embed((weights == 0).double())
        gamma = self.gamma[:, None].double()
        [p], [q] = dots(moves, g), dots(bends, g)
        p, q = p[:, order, None], q[:, order, None]
        a = torch.linalg.solve_triangular(upper, p, upper=True)
        right = weights[..., None] * a + gamma[..., None] * (yy @ a - q)
        b = torch.linalg.solve_triangular(upper.mT, right, upper=False)
        back = torch.empty_like(torch.cat([a, b], 2))
        back[:, order] = torch.cat([gamma[..., None] * a, b], 2)
        back = back.to(g.dtype)
        return self.gamma[:, None] * g + (back[:, None, :, 1] @ moves - back[:, None, :, 0] @ bends)[:, 0]

    def _clear(self, seeds: Tensor) -> None:
        if bool(seeds.any()):
            for memory in (self.moves, self.bends, self.sy, self.yy):
                memory[seeds] = 0
            self.gamma = self.gamma.masked_fill(seeds, 1)

    def lost(self) -> Tensor:
        return self.stuck

    def forget(self, seeds: Tensor) -> None:
        self._clear(seeds)
        self.loss = self.loss.masked_fill(seeds, torch.inf)
        self.slope, self.length = self.slope.masked_fill(seeds, 0), self.length.masked_fill(seeds, 0)
        self.stuck = self.stuck & ~seeds


def dots(rows: Tensor, *vectors: Tensor) -> tuple[Tensor, ...]:
    """Inner products of rows (S, m, N) with each of the vectors (S, N): (S, m) each, in double precision."""
    return (torch.stack(vectors, 1) @ rows.mT).double().unbind(1)


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "lbfgs": LBFGS}
