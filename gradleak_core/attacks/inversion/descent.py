"""One iteration of gradient matching: it measures the guesses, keeps the best of them, and moves on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import starmap

import torch
from torch import Tensor

from gradleak_core import speed
from gradleak_core.attacks.inversion.objective import Objective
from gradleak_core.attacks.parts.optimisers import Found, Optimiser
from gradleak_core.attacks.parts.unknowns import Space


class Descent:
    """The descent of S restarts: their points z (S, N), the optimiser's state, and the iterate that each keeps.

    A restart keeps its iterate of smallest distance, or its last finite one if `keep_last`.
    """

    def __init__(self, objective: Objective, space: Space, optimiser: Optimiser, z: Tensor, *, keep_last: bool) -> None:
        self.objective, self.space, self.keep_last = objective, space, keep_last
        self.z, self.kept, self.best = z, z, z.new_full((len(z),), torch.inf)
        self.search, self.signs = optimiser.start(z), optimiser.signs
        self.standing = (z, z.new_ones(len(z)))  # (S, N) and (S,); all restarts count alike before a distance is known
        fixed = space.redraw is None and objective.whole(len(z))
        self.step = speed.faster(self.compute, fixed=fixed, state=self.search.state)

    def run(self, rounds: Iterable[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
        """Does one iteration for each round's arguments, and yields what it returns."""
        return starmap(self, rounds)

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Does one iteration, given the noise, the priors' weights (P,), the step size () and the consensus.

        Returns z (S, N) before the move, its distance (S,) and weighted priors (S, P), whether it is kept (S,), and
        the kept z (S, N) and its distance (S,). The noise is (S, N) or (S, 0), the consensus (B, C, H, W).
        """
        z = self.z
        distance, terms, better, self.kept, self.best, self.z, *state = self.step(
            z, self.kept, self.best, *given, *self.search.state
        )
        self.search.state = tuple(state)
        self.standing = self.search.standing(z, distance)
        return z, distance, terms, better, self.kept, self.best

    def save(self) -> list[Tensor]:
        """Returns all that the next iteration depends on, for `resume`."""
        return [self.z, self.kept, self.best, *self.standing, *self.search.state]

    def resume(self, saved: list[Tensor]) -> None:
        """Goes on from what another descent has saved."""
        self.z, self.kept, self.best, at, distance, *state = [tensor.to(self.z.device) for tensor in saved]
        self.standing, self.search.state = (at, distance), tuple(state)

    def lost(self) -> Tensor:
        """Returns (S,), true for each restart that has diverged."""
        return self.search.lost()

    def begin_again(self, lost: Tensor, fresh: Tensor) -> None:
        """Redraws the lost restarts (S,): moves them to fresh points (S, N) and makes the optimiser forget them."""
        self.z = torch.where(lost[:, None], fresh, self.z)
        standing, distance = self.standing
        self.standing = standing, distance.masked_fill(lost, torch.inf)
        self.search.forget(lost)

    def compute(
        self,
        z: Tensor,
        kept: Tensor,
        best: Tensor,
        noise: Tensor,
        weights: Tensor,
        rate: Tensor,
        consensus: Tensor,
        *state: Tensor,
    ) -> tuple[Tensor, ...]:
        """Does one iteration as a function of tensors alone, so that it can be recorded and replayed."""
        objective = self.objective
        distance, distance_grad = objective.distance(z)  # (S,), (S, N)
        better = distance.isfinite() if self.keep_last else distance < best
        kept, best = torch.where(better[:, None], z, kept), torch.where(better, distance, best)
        terms, loss, grad = objective.with_priors(z, distance, distance_grad, weights, consensus)

        def again(z: Tensor, distance: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
            if self.space.redraw is not None:
                distance, grad = objective.distance(z)
            _, loss, grad = objective.with_priors(z, distance, grad, weights, consensus)
            return loss, grad

        found = Found(distance, distance_grad, loss, self.space.sign(grad) if self.signs else grad, again)
        moved, *after = self.search.move(z, found, rate, noise, *state)
        return distance, terms, better, kept, best, self.space.project(moved), *after
