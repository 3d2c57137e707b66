"""Optimisers over S independent rows of z at once. One evaluation an iteration, for every seed alike.

An optimiser is told what the objective is where it asked, and answers with where to look next. The objective may be
another one in every iteration: weights of priors fall or switch on, a consensus moves, draws are new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gradleak_core.types import Knob

RATE = Knob("Step size", "How far one step goes, in pixel units of [0, 1].", 1e-5, 10, log=True)


class Found(NamedTuple):
    """What this iteration's objective is at one point of each restart."""

    distance: Tensor
    """(S,), the part of the loss that is the same function in every iteration but for draws that are new."""
    distance_grad: Tensor
    """Its gradient (S, N)."""
    loss: Tensor
    """The distance and this iteration's priors (S,)."""
    grad: Tensor
    """Its gradient (S, N)."""
    again: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    """Gives this iteration's loss (S,) and gradient (S, N) at a point of an earlier one, of which it takes z (S, N),
    distance (S,) and the distance's gradient (S, N). Priors are cheap to compute anew, and no distance is unless draws are."""


class Search(Protocol):
    """One optimisation. A move depends on the tensors it is given alone, by operations that look at no value."""

    state: tuple[Tensor, ...]

    def move(self, z: Tensor, found: Found, rate: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Gives where to look next (S, N), and the state then, after what was found at z (S, N).

        The step size is `rate` (); `noise` is (S, N), or (S, 0) where there is none.
        """
        ...

    def standing(self, z: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
        """Gives where each restart stands (S, N) and its distance there (S,), when z was the last point and had `distance`."""
        ...

    def lost(self) -> Tensor:
        """Gives the restarts (S,) that have diverged."""
        ...

    def forget(self, restarts: Tensor) -> None:
        """Start anew for the restarts (S,) that are true."""
        ...


class Optimiser(Protocol):
    """The settings of an optimisation."""

    title: ClassVar[str]
    signs: ClassVar[bool]
    """True if it may be given a gradient's signs in its place. A line search may not: it foretells the loss by them."""

    def start(self, z: Tensor) -> Search: ...
    def rate(self, done: float) -> float:
        """The step size when this share of the run is done."""
        ...

    def drawn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """The noise of one move from z (S, N) in step sizes: (S, N), or (S, 0) for none."""
        ...


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015) with a falling step size; a restart whose distance explodes is lost."""

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
    signs: ClassVar[bool] = True

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

    def move(self, z: Tensor, found: Found, rate: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        mean, square, count, first, _ = state
        mean, square, count = mean.lerp(found.grad, 0.1), square.lerp(found.grad.square(), 0.001), count + 1
        across, scale = mean / (1 - 0.9 ** count[:, None]), square / (1 - 0.999 ** count[:, None])
        moved = z - rate * across / (scale.sqrt() + 1e-8)
        if noise.size(1):
            moved = moved + rate * noise
        last = found.distance.where(found.loss.isfinite(), torch.inf)
        return moved, mean, square, count, last.where(first.isnan(), first), last

    def standing(self, z: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
        return z, distance

    def lost(self) -> Tensor:
        *_, first, last = self.state
        return ~last.isfinite() | (last > 1e3 * first.abs())

    def forget(self, restarts: Tensor) -> None:
        mean, square, count, first, last = self.state
        mean, square = (moment.masked_fill(restarts[:, None], 0) for moment in (mean, square))
        self.state = mean, square, count.masked_fill(restarts, 0), first.masked_fill(restarts, torch.nan), last


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS with backtracking (Nocedal & Wright, ch. 3 and 7), one evaluation an iteration.

    A trial point that does not lower the loss enough (Armijo, 1e-4) is refused and the step shortened by a parabola.
    Both points are measured by this iteration's objective; a direction that leads up by it is given up for a new one.
    Departs from DLG's code, which counts 20 inner iterations as one and takes every full step.
    """

    lr: Annotated[float, RATE] = 1.0
    history: Annotated[int, Knob("History", "How many past steps shape the next one.", 1, 200)] = 100
    title: ClassVar[str] = "L-BFGS"
    signs: ClassVar[bool] = False

    def start(self, z: Tensor) -> Search:
        return LBFGSSearch(self.history, z)

    def rate(self, done: float) -> float:
        return self.lr

    def drawn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return z[:, :0]


class Memory(NamedTuple):
    """What L-BFGS knows of S restarts. s and y of the last m good steps lie in a ring, which a move writes in place."""

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
    distance: Tensor
    """Its distance (S,), without the priors, which change; infinite where none is finite."""
    grad: Tensor
    """The gradient of its distance (S, N)."""
    direction: Tensor
    """Where it looks from there (S, N)."""
    length: Tensor
    """How far it looks (S,)."""


class LBFGSSearch:
    """The inverse Hessian in compact form, H = γI + [S γY] M [S γY]ᵀ (Byrd, Nocedal & Schnabel 1994, eq. 2.6)."""

    def __init__(self, m: int, z: Tensor) -> None:
        restarts, size = z.shape
        zero, still = z.new_zeros(restarts), torch.zeros_like(z)
        first = torch.zeros_like(zero, dtype=torch.long)
        self.state: tuple[Tensor, ...] = Memory(
            pairs=z.new_zeros(restarts, 2, m, size),
            products=torch.eye(m, dtype=z.dtype, device=z.device).repeat(restarts, 2, 1, 1),
            turn=first, stored=first, gamma=zero + 1,
            base=z, distance=zero + torch.inf, grad=still, direction=still, length=zero,
        )  # fmt: skip
        ring, places = torch.arange(m, device=z.device), torch.arange(m + 1, device=z.device)
        self.order = (ring + ring[:, None]) % m  # by turn: where in the ring each pair in the order of time lies
        self.times = (ring - ring[:, None]) % m  # and the other way round
        self.counts = ring >= m - places[:, None]  # by how many are stored: which they are in the order of time

    def move(self, z: Tensor, found: Found, rate: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        old = Memory(*state)
        loss, grad = found.again(old.base, old.distance, old.grad)
        s, y = z - old.base, found.grad - grad
        rise, first = (s * grad).sum(1), old.distance == torch.inf
        finite = found.loss < torch.inf
        accepted = finite & (first | (found.loss <= loss + 1e-4 * rise.clamp(max=0)))
        length = old.length * shortening(found.loss - loss, rise)
        tiny = ~accepted & (length < 1e-7)
        fresh = accepted | tiny | ((old.direction * grad).sum(1) >= 0)

        yes = accepted[:, None]
        new = old._replace(
            base=torch.where(yes, z, old.base),
            distance=torch.where(accepted, found.distance, old.distance.masked_fill(tiny & ~finite, torch.inf)),
            grad=torch.where(yes, found.distance_grad, old.grad),
        )
        grad = torch.where(yes, found.grad, grad)
        new, newton = self.remembered(new, s, y, grad, accepted & ~first, tiny)

        plain = ~((newton * grad).sum(1) < 0) | (new.stored == 0)
        direction = torch.where(fresh[:, None], torch.where(plain[:, None], -grad, newton), old.direction)
        begin = torch.where(plain, rate / grad.abs().sum(1).clamp(min=1), rate)
        new = new._replace(direction=direction, length=torch.where(fresh, begin, length))
        return new.base + new.length[:, None] * direction, *new

    def remembered(
        self, old: Memory, s: Tensor, y: Tensor, grad: Tensor, offered: Tensor, tiny: Tensor
    ) -> tuple[Memory, Tensor]:
        """Gives the memory with steps s and y (S, N) of the restarts (S,) offered, without those of tiny steps, and
        Newton's direction -H g (S, N) for a gradient. Two passes over the pairs.
        """
        m, restarts = len(self.order), torch.arange(len(offered), device=offered.device)
        curvature = (s * y).sum(1)
        keep = offered & (curvature > 1e-10 * (s * s).sum(1))
        gamma = torch.where(keep, curvature / (y * y).sum(1), old.gamma)
        latest = torch.where(keep[:, None, None], torch.stack([s, y], 1), old.pairs[restarts, :, old.turn])
        old.pairs[restarts, :, old.turn] = latest
        turn = torch.where(keep, (old.turn + 1) % m, old.turn)
        stored = torch.where(keep, (old.stored + 1).clamp(max=m), old.stored)

        flat = old.pairs.flatten(1, 2)  # (S, 2m, N)
        along = (torch.stack([grad, y], 1) @ flat.mT).view(len(s), 2, 2, m)
        along = along.gather(3, self.order[turn][:, None, None].expand_as(along))
        grown = F.pad(old.products[..., 1:, 1:], (0, 1, 0, 1))
        grown[:, 1, -1], grown[..., -1] = along[:, 1, 1], along[:, 1]
        products = torch.where(keep[:, None, None, None], grown, old.products)
        new = cleared(old._replace(products=products, turn=turn, stored=stored, gamma=gamma), tiny)

        weights = inverse(new, along[:, 0], self.counts[new.stored])
        weights = weights.gather(2, self.times[turn][:, None].expand_as(weights)).flatten(1)  # (S, 2m)
        return new, -new.gamma[:, None] * grad - (weights[:, None] @ flat)[:, 0]

    def standing(self, z: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
        now = Memory(*self.state)
        return now.base, now.distance

    def lost(self) -> Tensor:
        now = Memory(*self.state)
        return ~(now.distance.isfinite() & now.direction.isfinite().all(1))

    def forget(self, restarts: Tensor) -> None:
        old = cleared(Memory(*self.state), restarts)
        self.state = old._replace(distance=old.distance.masked_fill(restarts, torch.inf))


def shortening(rise: Tensor, foretold: Tensor) -> Tensor:
    """Gives the share (S,) of a step to the minimum of the parabola through a trial point, of which the loss has risen
    otherwise than the gradient foretold, kept in [0.1, 0.5]."""
    return (-foretold / (2 * (rise - foretold))).nan_to_num(0.1).clamp(0.1, 0.5)


def cleared(memory: Memory, restarts: Tensor) -> Memory:
    """Without the pairs of the restarts (S,) that are true."""
    return memory._replace(stored=memory.stored.masked_fill(restarts, 0), gamma=memory.gamma.masked_fill(restarts, 1))


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
