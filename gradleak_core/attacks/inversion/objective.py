"""What an attack drives down: the match of its guesses with what was observed, and its priors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.distances import Compared, total
from gradleak_core.attacks.parts.priors import Prior, Scene
from gradleak_core.attacks.parts.stances import blank
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.client import factored_update, local_update
from gradleak_core.counting import values
from gradleak_core.demand import PARAMETERS_AT_ONCE, VALUES_AT_ONCE
from gradleak_core.speed.factored import Taps, taps
from gradleak_core.speed.parallel import together
from gradleak_core.speed.recording import Captured, Step
from gradleak_core.speed.sweeps import sweeps
from gradleak_core.types import Candidate, Observation, Round, Update

if TYPE_CHECKING:
    from gradleak_core.attacks.inversion.recipe import Recipe


class Objective:
    """The match of some seeds' guesses, and their priors. Both give gradients, and seeds that would not fit take turns.

    They are apart because the match is dear and stays the same function of z during a run, unless draws are new at
    every iteration, while weights and a consensus may change with each. There are as many objectives as `threads`.
    """

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        observation: Observation,
        space: Space,
        threads: int = 1,
    ) -> None:
        self.priors = {type(prior).__name__: prior for prior in recipe.priors}
        matching = Matching(recipe, model, observation, space)
        self.at_once = max(1, seeds_that_fit(model, observation, matching.taps) // threads) if recipe.seeds > 1 else 1
        self.matching = captured(matching, space)
        self.belief = captured(Belief(model, observation, space, recipe.priors), space)

    def weights(self, done: float, like: Tensor) -> Tensor:
        """The priors' weights (P,) when this share of the run is done."""
        values = [like.new_full((), prior.weight_at(done)) for prior in self.priors.values()]
        return torch.stack(values) if values else like.new_empty(0)

    def match(self, z: Tensor) -> tuple[Tensor, ...]:
        """The match (S,) of z (S, N), and its gradient (S, N)."""
        return together(self.matching(rows) for rows in self.turns(z))

    def with_priors(
        self, z: Tensor, match: Tensor, grad: Tensor, weights: Tensor, consensus: Tensor
    ) -> tuple[Tensor, ...]:
        """Gives the weighted priors (S, P) of z (S, N), the loss (S,) and its gradient (S, N), by the match and its."""
        if not self.priors:
            return match.new_empty(len(z), 0), match, grad
        terms, pull = together(self.belief(rows, weights, consensus) for rows in self.turns(z))
        return terms, match + terms.sum(1), grad + pull

    def turns(self, z: Tensor) -> tuple[Tensor, ...]:
        rows: tuple[Tensor, ...] = z.split(self.at_once)  # type: ignore[no-untyped-call]
        return rows

    def whole(self, seeds: int) -> bool:
        """True if so many seeds are computed in one piece."""
        return seeds <= self.at_once


class Matching:
    """The match (S,) of z (S, N), and its gradient (S, N)."""

    def __init__(self, recipe: Recipe, model: nn.Module, observation: Observation, space: Space) -> None:
        self.model, self.observation, self.space = model, observation, space
        self.single = observation.step.steps(observation.batch) == 1
        self.taps = taps(model, blank(observation)) if recipe.distance.factored and self.single else Taps()
        first = Round(dict(model.named_parameters()), observation.update)
        self.rounds = [
            (self.client(r.theta), recipe.distance.to(recipe.matched.choose(model, r.update)))
            for r in (first, *observation.later)
        ]

    def __call__(self, z: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        guess = self.space.candidate(z)
        match = total([distance(client(guess)) for client, distance in self.rounds])
        return match.detach(), torch.autograd.grad(match.sum(), z)[0]

    def client(self, theta: Update) -> Callable[[Candidate], Compared]:
        """The update (S, ...) of a guess at parameters theta, in the quickest way there is for this model."""
        swept = sweeps(self.model, theta) if self.single and not self.taps.zeros else None
        if swept is not None:
            return lambda guess: swept.update(guess.images, guess.labels)
        compute: Callable[..., Compared]
        if self.taps.zeros:
            compute = partial(factored_update, self.model, taps=self.taps.at(theta), start=theta)
        else:
            step = self.observation.step
            compute = partial(local_update, self.model, step=step, start=theta, differentiable=True)

        def update(guess: Candidate) -> Compared:
            if len(guess.images) > 1:
                return compute(guess.images, guess.labels, guess.latents)
            # a single seed takes the path without `vmap`, which is faster
            draws = {k: v[0] for k, v in guess.latents.items()}
            return {k: g[None] for k, g in compute(guess.images[0], guess.labels[0], draws).items()}

        return update


def seeds_that_fit(model: nn.Module, observation: Observation, taps: Taps) -> int:
    """How many seeds fit into memory together: the rest of them go in turns."""
    each = sum(p.numel() for name, p in model.named_parameters() if name not in taps.zeros)
    passes = observation.step.local_epochs * (1 + len(observation.later))
    made = values(model, blank(observation)) * passes
    return min(PARAMETERS_AT_ONCE // max(each, 1), VALUES_AT_ONCE // made)


class Belief:
    """The weighted priors (S, P) of z (S, N), and the gradient (S, N) of their sum, for weights (P,)."""

    def __init__(self, model: nn.Module, observation: Observation, space: Space, priors: Sequence[Prior]) -> None:
        self.model, self.observation, self.space, self.priors = model, observation, space, priors

    def __call__(self, z: Tensor, weights: Tensor, consensus: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        guess, scene = self.space.candidate(z), Scene(self.model, self.observation, consensus)
        terms = weights * torch.stack([prior(guess, scene) for prior in self.priors], 1)
        if not terms.requires_grad:  # all of them are of draws that are not solved for
            return terms, torch.zeros_like(z)
        return terms.detach(), torch.autograd.grad(terms.sum(), z)[0]


def captured(step: Step, space: Space) -> Step:
    """Recorded, unless something is drawn anew at every step."""
    return Captured(step) if space.redraw is None else step
