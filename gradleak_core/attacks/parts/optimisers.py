"""Optimisers over S independent rows of z at once, with one evaluation in each iteration for every restart.

An optimiser is given the objective at the points it asked for, and answers with the points to look at next. The
objective may differ in every iteration: weights of priors fall or switch on, a consensus moves, draws are new.
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

RATE = Knob("Step size", "How far one step goes, where pixels lie in [0, 1].", 1e-5, 10, log=True)


class Found(NamedTuple):
    """The values and gradients of one iteration's objective at one point of each restart."""

    distance: Tensor
    """The distance (S,): the part of the loss that stays the same function in every iteration, unless draws are new."""
    distance_grad: Tensor
    """The gradient (S, N) of the distance."""
    loss: Tensor
    """The loss (S,): the distance plus this iteration's weighted priors."""
    grad: Tensor
    """The gradient (S, N) of the loss, with signs in its signed blocks if the optimiser takes signs."""
    again: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    """A function from an earlier z (S, N), its distance and gradient to the loss and gradient of this iteration."""


class Search(Protocol):
    """A running optimisation. A move depends only on tensors and never branches on values, so it can be recorded."""

    state: tuple[Tensor, ...]

    def move(self, z: Tensor, found: Found, rate: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Returns the points (S, N) to look at next and the state after this move, given what was found at z (S, N).

        `rate` () is the step size; `noise` is (S, N), or (S, 0) for none.
        """
        ...

    def standing(self, z: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
        """Returns each restart's accepted point (S, N) and distance (S,), if z (S, N) was the last one looked at."""
        ...

    def lost(self) -> Tensor:
        """Returns (S,), true for each restart that has diverged."""
        ...

    def forget(self, restarts: Tensor) -> None:
        """Forgets all that is known of the restarts that are true in (S,), so that they can start anew."""
        ...


class Optimiser(Protocol):
    """An optimiser's settings, from which a search starts."""

    title: ClassVar[str]
    signs: ClassVar[bool]
    """True if the signs of a gradient may take its place. A line search needs the gradient, to predict the loss."""

    def start(self, z: Tensor) -> Search: ...
    def rate(self, done: float) -> float:
        """Returns the step size when the share `done`, in [0, 1], of the run is done."""
        ...

    def drawn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draws the noise of one move from z (S, N), in units of the step size: (S, N), or (S, 0) for none."""
        ...


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015) with a falling step size. A restart whose distance grows a thousandfold has diverged."""

    lr: Annotated[float, RATE] = 0.1
    schedule: Annotated[
        Literal["constant", "steps", "cosine"],
        Knob("Schedule", "The fall of the step size: none, tenfold at 3/8, 5/8 and 7/8 of the run, or a cosine."),
    ] = "steps"
    warm_up: Annotated[float, Knob("Warm-up", "Share of the run in which the step size rises.", 0, 0.5)] = 0.0
    noise: Annotated[float, Knob("Langevin noise", "How strong the noise in each step is, in step sizes.", 0, 10)] = 0.0
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
    """A search by Adam. Its state: mean and square (S, N), the number of steps, first and last distance (S,)."""

    def __init__(self, z: Tensor) -> None:
        still, none = torch.zeros_like(z), z.new_zeros(len(z))
        self.state: tuple[Tensor, ...] = (still, still, none, none + torch.nan, none)

    def move(self, z: Tensor, found: Found, rate: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        mean, square, count, first, _ = state
        mean, square, count = mean.lerp(found.grad, 0.1), square.lerp(found.grad.square(), 0.001), count + 1
        across, scale = mean / (1 - 0.9 ** count[:, None]), square / (1 - 0.999 ** count[:, None])  # (S, N) each
        moved = z - rate * across / (scale.sqrt() + 1e-8)
        if noise.size(1):
            moved = moved + rate * noise
        last = found.distance.where(found.loss.isfinite(), torch.inf)  # (S,)
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
    """L-BFGS with backtracking (Nocedal & Wright, ch. 3 and 7), with one evaluation in each iteration.

    A trial point that does not lower the loss enough (Armijo, 1e-4) is refused, and a parabola shortens the step. This
    iteration's objective measures both points, and a direction that goes uphill by it gives way to a new one. Departs
    from DLG's code, which counts 20 inner iterations as one and takes every full step.
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
    """The state of L-BFGS for S restarts. A ring holds s and y of the last m good steps; a move writes it in place."""

    pairs: Tensor
    """The steps s and the changes y of the gradient (S, 2, m, N), in ring order."""
    products: Tensor
    """SᵀY, of which only the upper triangle is kept up to date, and YᵀY (S, 2, m, m), in order of time, newest last."""
    turn: Tensor
    """The place (S,) in the ring where the next pair goes."""
    stored: Tensor
    """The number (S,) of newest pairs that count."""
    gamma: Tensor
    """The scale γ (S,) of the inverse Hessian."""
    base: Tensor
    """The last accepted point (S, N) of each restart."""
    distance: Tensor
    """The distance (S,) of `base`, without the priors, which change; infinite for a restart with no finite point."""
    grad: Tensor
    """The gradient (S, N) of the distance at `base`."""
    direction: Tensor
    """The direction (S, N) of the search from `base`."""
    length: Tensor
    """The length (S,) of the next trial step along `direction`."""


class LBFGSSearch:
    """A search by L-BFGS in compact form: H = γI + [S γY] M [S γY]ᵀ (Byrd, Nocedal & Schnabel 1994, eq. 2.6)."""

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
        self.order = (ring + ring[:, None]) % m  # (m, m): by turn, the ring place of each pair in order of time
        self.times = (ring - ring[:, None]) % m  # (m, m): by turn, the order of time of each ring place
        self.counts = ring >= m - places[:, None]  # (m + 1, m): by number stored, which pairs count

    def move(self, z: Tensor, found: Found, rate: Tensor, noise: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        old = Memory(*state)
        loss, grad = found.again(old.base, old.distance, old.grad)  # (S,), (S, N): at the base, not at z
        s, y = z - old.base, found.grad - grad  # (S, N) each
        rise, first = (s * grad).sum(1), old.distance == torch.inf  # (S,) each; the rise is the predicted one
        finite = found.loss < torch.inf
        accepted = finite & (first | (found.loss <= loss + 1e-4 * rise.clamp(max=0)))
        length = old.length * shortening(found.loss - loss, rise)
        tiny = ~accepted & (length < 1e-7)
        fresh = accepted | tiny | ((old.direction * grad).sum(1) >= 0)

        yes = accepted[:, None]  # (S, 1)
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
        """Returns the memory with the new pair s, y (S, N) of each restart `offered` (S,), and Newton's direction -H g.

        The direction (S, N) is for the gradient g (S, N). A pair with hardly any curvature sᵀy is not kept. Restarts
        with a `tiny` step (S,) lose all their pairs. The method passes over all pairs twice.
        """
        m, restarts = len(self.order), torch.arange(len(offered), device=offered.device)
        curvature = (s * y).sum(1)  # (S,)
        keep = offered & (curvature > 1e-10 * (s * s).sum(1))
        gamma = torch.where(keep, curvature / (y * y).sum(1), old.gamma)
        latest = torch.where(keep[:, None, None], torch.stack([s, y], 1), old.pairs[restarts, :, old.turn])  # (S, 2, N)
        old.pairs[restarts, :, old.turn] = latest
        turn = torch.where(keep, (old.turn + 1) % m, old.turn)
        stored = torch.where(keep, (old.stored + 1).clamp(max=m), old.stored)

        flat = old.pairs.flatten(1, 2)  # (S, 2m, N)
        along = (torch.stack([grad, y], 1) @ flat.mT).view(len(s), 2, 2, m)  # (g or y, with s or y), in ring order
        along = along.gather(3, self.order[turn][:, None, None].expand_as(along))  # (S, 2, 2, m), in order of time
        grown = F.pad(old.products[..., 1:, 1:], (0, 1, 0, 1))  # (S, 2, m, m), without the oldest pair
        grown[:, 1, -1], grown[..., -1] = along[:, 1, 1], along[:, 1]
        products = torch.where(keep[:, None, None, None], grown, old.products)
        new = cleared(old._replace(products=products, turn=turn, stored=stored, gamma=gamma), tiny)

        weights = inverse(new, along[:, 0], self.counts[new.stored])  # (S, 2, m), in order of time
        weights = weights.gather(2, self.times[turn][:, None].expand_as(weights)).flatten(1)  # (S, 2m), in ring order
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
    """Returns the share (S,) of a step at which the parabola of the loss along it is smallest, kept in [0.1, 0.5]. The
    loss rises over the step by `rise` (S,); the slope at its start has foretold a rise of `foretold` (S,)."""
    return (-foretold / (2 * (rise - foretold))).nan_to_num(0.1).clamp(0.1, 0.5)


def cleared(memory: Memory, restarts: Tensor) -> Memory:
    """Returns the memory without the pairs of the restarts that are true in (S,); their γ is 1 again."""
    return memory._replace(stored=memory.stored.masked_fill(restarts, 0), gamma=memory.gamma.masked_fill(restarts, 1))


def inverse(memory: Memory, along: Tensor, counts: Tensor) -> Tensor:
    """Returns the coefficients (S, 2, m) of each s and y in H g − γ g, from their products with g, `along` (S, 2, m).

    With R = SᵀY and D its diagonal: −γ a for y and b for s, where R a = Sᵀg and Rᵀ b = D a + γ (YᵀY a − Yᵀg). Only the
    newest pairs count, true in `counts` (S, m), so what the triangle R holds of others never reaches them.
    """
    counts, gamma = counts[..., None], memory.gamma[:, None, None]  # (S, m, 1), (S, 1, 1)
    p, q = along[..., None].unbind(1)  # Sᵀg and Yᵀg, (S, m, 1) each
    sy, yy = memory.products.unbind(1)  # (S, m, m) each
    a = torch.linalg.solve_triangular(sy, p, upper=True).where(counts, 0)  # (S, m, 1)
    right = sy.diagonal(dim1=1, dim2=2)[..., None] * a + gamma * (yy @ a - q)
    b = torch.linalg.solve_triangular(sy.mT, right.where(counts, 0), upper=False)  # (S, m, 1)
    return torch.stack([b, -gamma * a], 1)[..., 0]


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "lbfgs": LBFGS}
