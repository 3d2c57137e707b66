"""The loss of an attack: the distance of its guesses' updates from the observed one, and its priors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from gradleak_core import speed
from gradleak_core.attacks.parts.distances import Compared, Distance
from gradleak_core.attacks.parts.matched import Matched
from gradleak_core.attacks.parts.priors import Prior, Scene
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.client import local_update
from gradleak_core.types import Candidate, Observation, Round, Update
from gradleak_core.updates import Observed


class Objective:
    """The loss of S restarts as a function of z (S, N): distance and priors, both with their gradients.

    The two are computed apart. The distance is expensive and stays the same function of z during a run, unless draws
    are new in every iteration; the priors are cheap, and their weights and the consensus change. Restarts that do not
    fit into memory together take turns.
    """

    def __init__(
        self,
        distance: Distance,
        matched: Matched,
        priors: Sequence[Prior],
        model: nn.Module,
        observation: Observation,
        space: Space,
        restarts: int,
    ) -> None:
        self.priors, fixed = priors, space.redraw is None
        matching = Matching(distance, matched, model, observation, space)
        self.at_once = matching.updates.restarts_at_once() if restarts > 1 else 1
        self.matching = speed.faster(matching, fixed=fixed)
        self.belief = speed.faster(Belief(model, observation, space, priors), fixed=fixed)

    def distance(self, z: Tensor) -> tuple[Tensor, ...]:
        """Returns the distance (S,) at z (S, N), and its gradient (S, N)."""
        return joined(self.matching(rows) for rows in z.split(self.at_once))  # type: ignore[no-untyped-call]

    def with_priors(
        self, z: Tensor, distance: Tensor, grad: Tensor, weights: Tensor, consensus: Tensor
    ) -> tuple[Tensor, ...]:
        """Returns the weighted priors (S, P) at z (S, N), the loss (S,), and the loss's gradient (S, N).

        The loss is the given distance (S,) plus the priors; `grad` (S, N) is the distance's gradient, `weights` (P,).
        """
        if not self.priors:
            return distance.new_empty(len(z), 0), distance, grad
        rows = z.split(self.at_once)  # type: ignore[no-untyped-call]
        terms, pull = joined(self.belief(some, weights, consensus) for some in rows)  # (S, P), (S, N)
        return terms, distance + terms.sum(1), grad + pull

    def whole(self, restarts: int) -> bool:
        """Returns whether this many restarts are computed in one piece, so that none take turns."""
        return restarts <= self.at_once


def prior_weights(priors: Sequence[Prior], done: float, like: Tensor) -> Tensor:
    """Returns the priors' weights (P,) once the share `done`, in [0, 1], of the run is done."""
    values = [like.new_full((), prior.weight_at(done)) for prior in priors]
    return torch.stack(values) if values else like.new_empty(0)


def joined(parts: Iterable[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Returns each tensor (S, ...) of all restarts, concatenated from the tensors of parts of them."""
    first, *others = parts
    return tuple(torch.cat(each) for each in zip(first, *others, strict=True)) if others else first


class Matching:
    """A function from z (S, N) to its distance (S,), summed over the rounds, and its gradient (S, N)."""

    def __init__(
        self, distance: Distance, matched: Matched, model: nn.Module, observation: Observation, space: Space
    ) -> None:
        self.space = space
        quick = speed.updates(model, observation, by_products=distance.by_products)
        self.updates = quick or Updates(model, observation)
        first = Round(dict(model.named_parameters()), observation.update)
        self.rounds = [
            (self.updates.at(r.theta), distance.to(self.updates.observed(matched.choose(model, r.update))))
            for r in (first, *observation.later)
        ]

    def __call__(self, z: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        guess = self.space.candidate(z)
        first, *later = (measure(update(guess)) for update, measure in self.rounds)  # (S,) each
        distance = sum(later, first)
        return distance.detach(), torch.autograd.grad(distance.sum(), z)[0]


class Updates:
    """The updates of guesses, computed restart by restart as the client computes its own."""

    def __init__(self, model: nn.Module, observation: Observation) -> None:
        self.model, self.step = model, observation.step

    def at(self, theta: Update) -> Callable[[Candidate], Compared]:
        """Returns the function from guesses to the updates (S, ...) of clients that start from the parameters theta."""

        def update(guess: Candidate) -> Compared:
            draws = ({k: v[s] for k, v in guess.latents.items()} for s in range(len(guess.images)))
            each = [
                local_update(self.model, x, y, latents, self.step, start=theta, differentiable=True)
                for x, y, latents in zip(guess.images, guess.labels, draws, strict=True)
            ]
            return {k: torch.stack([own[k] for own in each]) for k in theta}

        return update

    def observed(self, update: Update) -> Observed:
        """Returns an observed update in the form that distances take."""
        return Observed(update)

    def restarts_at_once(self) -> int:
        """Returns how many restarts are computed at once: 1, so that none waits in memory for another."""
        return 1


class Belief:
    """A function from z (S, N) and weights (P,) to the weighted priors (S, P) and the gradient (S, N) of their sum."""

    def __init__(self, model: nn.Module, observation: Observation, space: Space, priors: Sequence[Prior]) -> None:
        self.model, self.observation, self.space, self.priors = model, observation, space, priors

    def __call__(self, z: Tensor, weights: Tensor, consensus: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        guess, scene = self.space.candidate(z), Scene(self.model, self.observation, consensus)
        terms = weights * torch.stack([prior(guess, scene) for prior in self.priors], 1)  # (S, P)
        if not terms.requires_grad:  # every prior is about draws that are not solved for
            return terms, torch.zeros_like(z)
        return terms.detach(), torch.autograd.grad(terms.sum(), z)[0]
