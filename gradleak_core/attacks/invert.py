"""The one optimisation loop: move guesses until their update matches the observed one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gradleak_core.attacks.capture import Captured, Step
from gradleak_core.attacks.parts.distances import Compared
from gradleak_core.attacks.parts.priors import Scene
from gradleak_core.attacks.parts.stances import blank
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.client import factored_update, local_update
from gradleak_core.factors import Taps, taps
from gradleak_core.types import (
    Answer,
    Candidate,
    Event,
    Finished,
    Latents,
    Observation,
    Progress,
    Round,
    Started,
    Status,
    Update,
)

if TYPE_CHECKING:
    from gradleak_core.attacks.recipe import Recipe

NEAR = 1.5
"""How many times the lowest match a seed's may be, for the seed to count in the mean."""
CHECK_EVERY = 10
"""Iterations between looks at whether seeds are lost or the goal is reached; each look waits for the device."""
PARAMETERS_AT_ONCE = 20_000_000
"""Seeds are vectorised while their gradients stay below this, without those in factors; beyond, they go in turns."""


def invert(recipe: Recipe, model: nn.Module, observation: Observation, *, seed: int) -> Iterator[Event]:
    """Run a recipe's seeds together; each keeps one iterate, of which the attacker makes one answer.

    Seeds are ranked by the match alone, without priors. A lost seed is drawn anew.
    """
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    labels = recipe.labels.read(model, observation)
    space = Space(recipe.unknowns, labels, observation, recipe.stance, model, generator)
    objective = Objective(recipe, model, observation, space)
    z = space.start(recipe.seeds, generator).to(device)  # (S, N)
    search = recipe.optimiser.start(z, generator)
    pick = Picker(space, recipe.answer, z.clone(), z.new_full((recipe.seeds,), torch.inf))
    restarts = torch.zeros((), dtype=torch.long, device=device)
    names = ("match", *objective.priors)
    yield Started(recipe.steps, recipe.seeds, names)

    status: Status = "done"
    iteration = 0
    for iteration in range(1, recipe.steps + 1):
        losses, grad = objective(z, (iteration - 1) / recipe.steps)
        pick = pick.after(losses["match"], z)
        yield Progress(iteration, losses, pick.match, restarts, Guess(space, z), pick)
        total = torch.stack([*losses.values()]).sum(0)
        z = space.project(search.step(z, total, space.sign(grad), iteration / recipe.steps))
        if iteration % CHECK_EVERY == 0 or iteration == recipe.steps:
            if bool((pick.match < recipe.goal).any()):
                status = "recovered"
                break
            lost = search.lost()
            if bool(lost.any()):
                z = torch.where(lost[:, None], space.start(recipe.seeds, generator).to(device), z)
                search.forget(lost)
                restarts = restarts + lost.sum()
    if not bool(pick.match.isfinite().any()):
        status = "diverged"
    yield Finished(status, iteration, pick(), float(pick.match.min()), int(restarts))


class Guess:
    """The candidates that some z stands for, made when asked for."""

    def __init__(self, space: Space, z: Tensor) -> None:
        self.space, self.z = space, z

    def __call__(self) -> Candidate:
        return self.space.candidate(self.z)


@dataclass(frozen=True)
class Picker:
    """The attacker's own answer: the best of what each seed keeps, or the mean of those that match nearly as well."""

    space: Space
    answer: Answer
    z: Tensor
    """(S, N): of each seed the iterate of lowest match, or the last."""
    match: Tensor
    """(S,), of z; infinite for a seed that has none yet."""
    draws: Latents = field(default_factory=dict)
    """What a guessing attacker had drawn for each seed's iterate, (S, T, B, ...)."""

    def after(self, match: Tensor, z: Tensor) -> Picker:
        """The same when z (S, N) has this match (S,)."""
        better = match.isfinite() if self.answer == "last" else match < self.match
        draws = self.draws
        if self.space.redraw is not None:
            new = {k: v.expand(len(z), *v.shape) for k, v in self.space.latents.items()}
            draws = {k: torch.where(better.view(-1, *[1] * (v.ndim - 1)), v, draws.get(k, v)) for k, v in new.items()}
        kept = torch.where(better[:, None], z, self.z)
        return replace(self, z=kept, match=torch.where(better, match, self.match), draws=draws)

    def __call__(self) -> Candidate:
        best, near = self.match.argmin(), self.match <= NEAR * self.match.min()
        z = self.z[near].mean(0) if self.answer == "mean" else self.z[best]
        answer = self.space.candidate(z[None])
        return replace(answer, latents=answer.latents | {k: v[best][None] for k, v in self.draws.items()})


class Objective:
    """The loss terms at z (S, N), each (S,), and the gradient (S, N) of their sum, when a share of the run is done."""

    def __init__(self, recipe: Recipe, model: nn.Module, observation: Observation, space: Space) -> None:
        self.recipe, self.model, self.observation, self.space = recipe, model, observation, space
        self.priors = {type(prior).__name__: prior for prior in recipe.priors}
        factored = recipe.distance.factored and observation.step.steps(observation.batch) == 1
        self.taps = taps(model, blank(observation)) if factored else Taps()
        each = sum(p.numel() for name, p in model.named_parameters() if name not in self.taps.zeros)
        self.at_once = max(1, PARAMETERS_AT_ONCE // max(each, 1))
        first = Round(dict(model.named_parameters()), observation.update)
        self.rounds = [
            (r.theta, recipe.distance.to(recipe.matched.choose(model, r.update))) for r in (first, *observation.later)
        ]
        still = space.redraw is None and next(model.parameters()).is_cuda
        self.matching: Step = Captured(self.match) if still else self.match
        self.believing: Step = Captured(self.belief) if still else self.belief

    def __call__(self, z: Tensor, done: float) -> tuple[dict[str, Tensor], Tensor]:
        self.space.refresh()
        parts = [self.matching(rows) for rows in torch.split(z.detach(), self.at_once)]
        match, grad = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        losses = {"match": match}
        if self.priors:
            weights = torch.stack([match.new_full((), prior.weight_at(done)) for prior in self.priors.values()])
            terms, slope = self.believing(z.detach(), match, weights)
            losses |= dict(zip(self.priors, terms, strict=True))
            grad = grad + slope
        return losses, grad

    def match(self, z: Tensor) -> tuple[Tensor, ...]:
        """The match (S,) and its gradient (S, N)."""
        z = z.detach().requires_grad_()
        guess = self.space.candidate(z)
        match = torch.stack([distance(self._update(guess, theta)) for theta, distance in self.rounds]).sum(0)
        return match.detach(), torch.autograd.grad(match.sum(), z)[0]

    def belief(self, z: Tensor, match: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        """The weighted priors (P, S), and the gradient (S, N) of their sum. weights (P,)."""
        z = z.detach().requires_grad_()
        guess, scene = self.space.candidate(z), Scene(self.model, self.observation, match)
        terms = weights[:, None] * torch.stack([prior(guess, scene) for prior in self.priors.values()])
        slope = torch.autograd.grad(terms.sum(), z)[0] if terms.requires_grad else torch.zeros_like(z)
        return terms.detach(), slope

    def _update(self, guess: Candidate, theta: Update) -> Compared:
        """The update (S, ...) of a guess; a single seed takes the path without `vmap`, which is faster."""
        x, y, latents = guess.images, guess.labels, guess.latents
        if len(x) > 1:
            return self._compute(x, y, latents, theta)
        update = self._compute(x[0], y[0], {k: v[0] for k, v in latents.items()}, theta)
        return {k: g[None] for k, g in update.items()}

    def _compute(self, x: Tensor, y: Tensor, latents: Latents, theta: Update) -> Compared:
        if self.taps.zeros:
            return factored_update(self.model, x, y, latents, self.taps, start=theta)
        step = self.observation.step
        return local_update(self.model, x, y, latents, step, start=theta, differentiable=True)
