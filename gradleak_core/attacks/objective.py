"""What an attack drives down: the match of its guesses with what was observed, and its priors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gradleak_core.attacks.capture import Captured, Step
from gradleak_core.attacks.parts.distances import Compared, total
from gradleak_core.attacks.parts.priors import Group, Prior, Scene
from gradleak_core.attacks.parts.stances import blank
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.attacks.sharing import ahead, together
from gradleak_core.client import factored_update, local_update
from gradleak_core.factors import Taps, taps
from gradleak_core.sweeps import sweeps
from gradleak_core.types import Candidate, Observation, Round, Update

if TYPE_CHECKING:
    from gradleak_core.attacks.recipe import Recipe

PARAMETERS_AT_ONCE = 20_000_000
"""Seeds are vectorised while their gradients stay below this, without those in factors; beyond, they go in turns."""


class Objective:
    """At z (S, N): match (S,), weighted priors (S, P) and the gradient (S, N) of their sum. weights (P,).

    As many threads share the seeds as there are copies of the model.
    """

    def __init__(
        self,
        recipe: Recipe,
        models: Sequence[nn.Module],
        observation: Observation,
        space: Space,
        parameters: int = PARAMETERS_AT_ONCE,
    ) -> None:
        joint = [prior for prior in recipe.priors if isinstance(prior, Group)]
        lone = [prior for prior in recipe.priors if prior not in joint]
        self.priors = {type(prior).__name__: prior for prior in (*lone, *joint)}
        self.lone = len(lone)
        self.terms = [Terms(recipe, model, observation, space, lone, parameters) for model in models]
        self.group = captured(Belief(models[0], observation, space, joint), space) if joint else None

    def weights(self, done: float, like: Tensor) -> Tensor:
        """Of the priors (P,), when this share of the run is done."""
        values = [like.new_full((), prior.weight_at(done)) for prior in self.priors.values()]
        return torch.stack(values) if values else like.new_empty(0)

    def __call__(self, z: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        [(match, terms, grad)] = ahead(self.terms, [(z, weights[: self.lone])], 0)
        if self.group is not None:
            joint, slope = self.group(z, match, weights[self.lone :])
            terms, grad = torch.cat([terms, joint], 1), grad + slope
        return match, terms, grad

    def whole(self, seeds: int) -> bool:
        """Whether so many seeds are computed in one piece."""
        return len(self.terms) == 1 and seeds <= self.terms[0].at_once


class Terms:
    """Match (S,), weighted priors (S, P) and the gradient (S, N) of their sum, for one thread at a time."""

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        observation: Observation,
        space: Space,
        priors: Sequence[Prior],
        parameters: int,
    ) -> None:
        self.model, self.observation, self.space = model, observation, space
        self.belief = Belief(model, observation, space, priors)
        self.single = observation.step.steps(observation.batch) == 1
        self.taps = taps(model, blank(observation)) if recipe.distance.factored and self.single else Taps()
        each = sum(p.numel() for name, p in model.named_parameters() if name not in self.taps.zeros)
        self.at_once = max(1, parameters // max(each, 1))
        first = Round(dict(model.named_parameters()), observation.update)
        self.rounds = [
            (self.client(r.theta), recipe.distance.to(recipe.matched.choose(model, r.update)))
            for r in (first, *observation.later)
        ]
        self.step = captured(self.compute, space)

    def __call__(self, z: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        return together(self.step(rows, weights) for rows in z.split(self.at_once))  # type: ignore[no-untyped-call]

    def compute(self, z: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        guess = self.space.candidate(z)
        match = total([distance(client(guess)) for client, distance in self.rounds])
        terms = self.belief.terms(guess, match.detach(), weights)
        loss = match.sum() + terms.sum() if terms.size(1) else match.sum()
        return match.detach(), terms.detach(), torch.autograd.grad(loss, z)[0]

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


class Belief:
    """Weighted priors (S, P) of z (S, N) with match (S,), and the gradient (S, N) of their sum. weights (P,)."""

    def __init__(self, model: nn.Module, observation: Observation, space: Space, priors: Sequence[Prior]) -> None:
        self.model, self.observation, self.space, self.priors = model, observation, space, priors

    def __call__(self, z: Tensor, match: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        terms = self.terms(self.space.candidate(z), match, weights)
        return terms.detach(), torch.autograd.grad(terms.sum(), z)[0]

    def terms(self, guess: Candidate, match: Tensor, weights: Tensor) -> Tensor:
        scene = Scene(self.model, self.observation, match)
        found = [prior(guess, scene) for prior in self.priors]
        return weights * torch.stack(found, 1) if found else match.new_empty(len(match), 0)


def captured(step: Step, space: Space) -> Step:
    """Recorded, unless something is drawn anew at every step."""
    return Captured(step) if space.redraw is None else step
