"""What an attack drives down: the match of its guesses with what was observed, and its priors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gradleak_core.attacks.capture import Captured, Step
from gradleak_core.attacks.parts.distances import Compared
from gradleak_core.attacks.parts.priors import Group, Prior, Scene
from gradleak_core.attacks.parts.stances import blank
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.client import factored_update, local_update
from gradleak_core.factors import Taps, taps
from gradleak_core.sweeps import sweeps
from gradleak_core.types import Candidate, Observation, Round, Update

if TYPE_CHECKING:
    from gradleak_core.attacks.recipe import Recipe

PARAMETERS_AT_ONCE = 20_000_000
"""Seeds are vectorised while their gradients stay below this, without those in factors; beyond, they go in turns."""


class Objective:
    """The loss terms at z (S, N), each (S,), and the gradient (S, N) of their sum, when a share of the run is done.

    Several threads share the seeds out among them.
    """

    def __init__(
        self, recipe: Recipe, model: nn.Module, observation: Observation, space: Space, threads: int = 1
    ) -> None:
        self.space = space
        self.priors = {type(prior).__name__: prior for prior in recipe.priors}
        self.lone = [name for name, prior in self.priors.items() if not isinstance(prior, Group)]
        self.joint = [name for name in self.priors if name not in self.lone]
        models = [model, *(deepcopy(model) for _ in range(threads - 1))]
        lone, joint = ([self.priors[name] for name in names] for names in (self.lone, self.joint))
        self.terms = [Terms(recipe, m, observation, space, lone, PARAMETERS_AT_ONCE // threads) for m in models]
        self.group = captured(Belief(model, observation, space, joint), model, space)

    def __call__(self, z: Tensor, done: float) -> tuple[dict[str, Tensor], Tensor]:
        self.space.refresh()
        z = z.detach()
        weights = {name: z.new_full((), prior.weight_at(done)) for name, prior in self.priors.items()}
        match, terms, grad = self.alone(z, vector([weights[name] for name in self.lone], z))
        found = dict(zip(self.lone, terms, strict=True))
        if self.joint:
            terms, slope = self.group(z, match, vector([weights[name] for name in self.joint], z))
            found |= dict(zip(self.joint, terms, strict=True))
            grad = grad + slope
        return {"match": match} | {name: found[name] for name in self.priors}, grad

    def alone(self, z: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The terms that look at each seed by itself."""
        if len(self.terms) == 1:
            return self.terms[0](z, weights)
        shares = z.tensor_split(len(self.terms))
        return together(pool(len(shares)).map(lambda terms, share: terms(share, weights), self.terms, shares))


class Terms:
    """Match (S,), weighted priors (P, S) and the gradient (S, N) of their sum, for one thread at a time."""

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
        self.step = captured(self.compute, model, space)

    def __call__(self, z: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return together(self.step(rows, weights) for rows in z.split(self.at_once))  # type: ignore[no-untyped-call]

    def compute(self, z: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        guess = self.space.candidate(z)
        match = torch.stack([distance(client(guess)) for client, distance in self.rounds]).sum(0)
        terms = self.belief.terms(guess, match.detach(), weights)
        total = match.sum() + terms.sum() if len(terms) else match.sum()
        return match.detach(), terms.detach(), torch.autograd.grad(total, z)[0]

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
    """Weighted priors (P, S) of z (S, N) with match (S,), and the gradient (S, N) of their sum. weights (P,)."""

    def __init__(self, model: nn.Module, observation: Observation, space: Space, priors: Sequence[Prior]) -> None:
        self.model, self.observation, self.space, self.priors = model, observation, space, priors

    def __call__(self, z: Tensor, match: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        z = z.detach().requires_grad_()
        terms = self.terms(self.space.candidate(z), match, weights)
        return terms.detach(), torch.autograd.grad(terms.sum(), z)[0]

    def terms(self, guess: Candidate, match: Tensor, weights: Tensor) -> Tensor:
        scene = Scene(self.model, self.observation, match)
        found = [prior(guess, scene) for prior in self.priors]
        return weights[:, None] * torch.stack(found) if found else match.new_empty(0, len(match))


def captured(step: Step, model: nn.Module, space: Space) -> Step:
    """As a CUDA graph where there is a device and nothing is drawn anew."""
    return Captured(step) if next(model.parameters()).is_cuda and space.redraw is None else step


def vector(values: Sequence[Tensor], like: Tensor) -> Tensor:
    return torch.stack([*values]) if values else like.new_empty(0)


def together(parts: Iterable[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor]:
    """Of seeds computed apart: match (S,), priors (P, S) and gradient (S, N)."""
    match, terms, grad = zip(*parts, strict=True)
    return torch.cat(match), torch.cat(terms, 1), torch.cat(grad)


@contextmanager
def sharing(seeds: int, model: nn.Module) -> Iterator[int]:
    """How many threads share the seeds; each of them, and torch meanwhile, has one. Devices do not share seeds out.

    Several threads in one operation of a small network wait for each other longer than they compute.
    """
    before = torch.get_num_threads()
    if seeds == 1 or next(model.parameters()).device.type != "cpu":
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield min(seeds, before)
    finally:
        torch.set_num_threads(before)


@cache
def pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
