"""Optimisers over S independent rows of z at once. One evaluation an iteration, for every seed alike.

An optimiser is told the loss and gradient where it asked for them, and answers with where to look next.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gradleak_core.types import Knob

RATE = Knob("Step size", "How far one step goes, in pixel units of [0, 1].", 1e-5, 10, log=True)


class Search(Protocol):
    """One optimisation. A move depends on the tensors it is given alone, by operations that look at no value."""

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
    def __init__(self, z: Tensor) -> None:
        still, none = torch.zeros_like(z), z.new_zeros(len(z))
        self.state: tuple[Tensor, ...] = (still, still, none, none + torch.nan, none)

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


class Memory(NamedTuple):
    """What L-BFGS knows of S seeds. s and y of the last m good steps lie in a ring, which a move writes in place."""

    pairs: Tensor
    """s and y (S, 2, m, N)."""
    products: Tensor
    """SᵀY, of which only the upper triangle is kept up, and YᵀY (S, 2, m, m), in the order of time, the newest last."""
    turn: Tensor
    """Where in the ring the next pair goes (S,)."""
    stored: Tensor
    """How many of the newest pairs count (S,)."""
    gamma: Tensor
    """The scale of the inverse Hessian (S,)."""
    base: Tensor
    """The last accepted point (S, N)."""
    grad: Tensor
    """Its gradient (S, N)."""
    loss: Tensor
    """Its loss (S,)."""
    direction: Tensor
    """Where it looks from there (S, N)."""
    slope: Tensor
    """Of the loss in that direction (S,)."""
    length: Tensor
    """How far it looks (S,)."""
    steepest: Tensor
    """Whether the direction is the gradient's (S,)."""
    stuck: Tensor
    """Whether there is no way down (S,)."""


class LBFGSSearch:
    """The inverse Hessian in compact form, H = γI + [S γY] M [S γY]ᵀ (Byrd, Nocedal & Schnabel 1994, eq. 2.6)."""

    def __init__(self, m: int, z: Tensor) -> None:
        seeds, size = z.shape
        zero, still = z.new_zeros(seeds), torch.zeros_like(z)
        none, first = torch.zeros_like(zero, dtype=torch.bool), torch.zeros_like(zero, dtype=torch.long)
        self.state: tuple[Tensor, ...] = Memory(
            pairs=z.new_zeros(seeds, 2, m, size),
            products=torch.eye(m, dtype=z.dtype, device=z.device).repeat(seeds, 2, 1, 1),
            turn=first, stored=first, gamma=zero + 1,
            base=z, grad=still, loss=zero + torch.inf,
            direction=still, slope=zero, length=zero, steepest=~none, stuck=none,
        )  # fmt: skip
        ring, places = torch.arange(m, device=z.device), torch.arange(m + 1, device=z.device)
        self.order = (ring + ring[:, None]) % m  # by turn: where in the ring each pair in the order of time lies
        self.times = (ring - ring[:, None]) % m  # and the other way round
        self.counts = ring >= m - places[:, None]  # by how many are stored: which they are in the order of time

    def move(
        self, z: Tensor, loss: Tensor, grad: Tensor, rate: Tensor, noise: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        old = Memory(*state)
        accepted = (loss < torch.inf) & (loss <= old.loss + 1e-4 * old.length * old.slope)
        yes = accepted[:, None]
        new = old._replace(
            base=torch.where(yes, z, old.base),
            grad=torch.where(yes, grad, old.grad),
            loss=torch.where(accepted, loss, old.loss),
            length=old.length * shortening(loss - old.loss, old.slope * old.length),
        )
        tiny = ~accepted & (new.length < 1e-7)
        new, newton = self.remembered(new, old, accepted & (old.loss < torch.inf), tiny)

        fresh = accepted | tiny
        plain = ~((newton * new.grad).sum(1) < 0) | (new.stored == 0)
        aimed = torch.where(plain[:, None], -new.grad, newton)
        length = torch.where(plain, rate / new.grad.abs().sum(1).clamp(min=1), rate)
        direction = torch.where(fresh[:, None], aimed, old.direction)
        new = new._replace(
            direction=direction,
            slope=(direction * new.grad).sum(1),
            length=torch.where(fresh, length, new.length),
            steepest=torch.where(fresh, plain, old.steepest),
            stuck=(old.stuck | tiny & old.steepest) & ~accepted | ~(new.loss < torch.inf),
        )
        return new.base + new.length[:, None] * direction, *new

    def remembered(self, new: Memory, old: Memory, offered: Tensor, tiny: Tensor) -> tuple[Memory, Tensor]:
        """The memory with the step from the old base to the new one of the seeds (S,) offered, without those of tiny
        steps, and Newton's direction -H g (S, N). Two passes over the pairs.
        """
        m, seeds = len(self.order), torch.arange(len(offered), device=offered.device)
        s, y = new.base - old.base, new.grad - old.grad
        curvature = (s * y).sum(1)
        keep = offered & (curvature > 1e-10 * (s * s).sum(1))
        gamma = torch.where(keep, curvature / (y * y).sum(1), old.gamma)
        latest = torch.where(keep[:, None, None], torch.stack([s, y], 1), old.pairs[seeds, :, old.turn])
        old.pairs[seeds, :, old.turn] = latest
        turn = torch.where(keep, (old.turn + 1) % m, old.turn)
        stored = torch.where(keep, (old.stored + 1).clamp(max=m), old.stored)

        flat = old.pairs.flatten(1, 2)  # (S, 2m, N)
        along = (torch.stack([new.grad, y], 1) @ flat.mT).view(len(s), 2, 2, m)
        along = along.gather(3, self.order[turn][:, None, None].expand_as(along))
        grown = F.pad(old.products[..., 1:, 1:], (0, 1, 0, 1))
        grown[:, 1, -1], grown[..., -1] = along[:, 1, 1], along[:, 1]
        products = torch.where(keep[:, None, None, None], grown, old.products)
        new = new._replace(products=products, turn=turn, stored=stored, gamma=gamma)
        new = cleared(new, tiny)

        weights = inverse(new, along[:, 0], self.counts[new.stored])
        weights = weights.gather(2, self.times[turn][:, None].expand_as(weights)).flatten(1)  # (S, 2m)
        return new, -new.gamma[:, None] * new.grad - (weights[:, None] @ flat)[:, 0]

    def lost(self) -> Tensor:
        return Memory(*self.state).stuck

    def forget(self, seeds: Tensor) -> None:
        old = cleared(Memory(*self.state), seeds)
        slope, length = (value.masked_fill(seeds, 0) for value in (old.slope, old.length))
        loss = old.loss.masked_fill(seeds, torch.inf)
        self.state = old._replace(loss=loss, slope=slope, length=length, stuck=old.stuck & ~seeds)


def shortening(rise: Tensor, slope: Tensor) -> Tensor:
    """The share (S,) of a step to the minimum of the parabola through loss, slope and trial, kept in [0.1, 0.5]."""
    return (-slope / (2 * (rise - slope))).nan_to_num(0.1).clamp(0.1, 0.5)


def cleared(memory: Memory, seeds: Tensor) -> Memory:
    """Without the pairs of the seeds (S,) that are true."""
    return memory._replace(stored=memory.stored.masked_fill(seeds, 0), gamma=memory.gamma.masked_fill(seeds, 1))


def inverse(memory: Memory, along: Tensor, counts: Tensor) -> Tensor:
    """How much of each s and y is in H g - γ g (S, 2, m), by their products with g: along (S, 2, m).

    The pairs that count (S, m) are the last, so what a triangle holds of the others never reaches them.
    """
    counts, gamma = counts[..., None], memory.gamma[:, None, None]
    p, q = along[..., None].unbind(1)
    sy, yy = memory.products.unbind(1)
    a = torch.linalg.solve_triangular(sy, p, upper=True).where(counts, 0)
    right = sy.diagonal(dim1=1, dim2=2)[..., None] * a + gamma * (yy @ a - q)
    b = torch.linalg.solve_triangular(sy.mT, right.where(counts, 0), upper=False)
    return torch.stack([b, -gamma * a], 1)[..., 0]


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "lbfgs": LBFGS}
