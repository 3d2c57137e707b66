"""The one optimisation loop: move guesses until their update matches the observed one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gradleak_core.attacks.inversion.objective import Objective, captured
from gradleak_core.attacks.inversion.stopping import Stopping
from gradleak_core.attacks.parts.optimisers import Found
from gradleak_core.attacks.parts.priors import Group
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.demand import RECORDED
from gradleak_core.speed.parallel import ahead, sharing, together
from gradleak_core.types import (
    Answer,
    Candidate,
    Event,
    Finished,
    Latents,
    Observation,
    Progress,
    Started,
)

if TYPE_CHECKING:
    from gradleak_core.attacks.inversion.recipe import Recipe

NEAR = 1.5
"""How many times the lowest match a seed's may be, for the seed to count in the mean."""
CHECK_EVERY = 10
"""Iterations between looks at whether seeds are lost or the goal is reached; each look waits for the device."""
HOLD = 20
"""Iterations for which the consensus of a group is held, a multiple of those between looks."""
AHEAD = 2
"""Iterations that a thread's seeds may be ahead of the others', between these looks."""


def invert(recipe: Recipe, model: nn.Module, observation: Observation, *, seed: int) -> Iterator[Event]:
    """Run a recipe's seeds together; each keeps one iterate, of which the attacker makes one answer.

    Seeds are ranked by the match alone, without priors. A lost seed is drawn anew.
    """
    with sharing(recipe.seeds, model) as threads:
        yield from optimise(recipe, model, observation, seed, threads)


def optimise(recipe: Recipe, model: nn.Module, observation: Observation, seed: int, threads: int) -> Iterator[Event]:
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    labels = recipe.labels.read(model, observation)
    space = Space(recipe.unknowns, labels, observation, recipe.stance, model, generator)
    z = space.start(recipe.seeds, generator).to(device)  # (S, N)
    descents = shares(recipe, model, observation, space, z, threads)
    weights, priors = descents[0].objective.weights, descents[0].objective.priors
    group = next((prior for prior in recipe.priors if isinstance(prior, Group)), None)
    consensus = z[:0]
    pick = Picker(space, recipe.answer, z, z.new_full((recipe.seeds,), torch.inf))
    restarts = torch.zeros((), dtype=torch.long, device=device)
    names = ("match", *priors)
    yield Started(recipe.steps, recipe.seeds, names)

    def given(iterations: range) -> Iterator[tuple[Tensor, ...]]:
        for iteration in iterations:
            space.refresh()
            rate = z.new_full((), recipe.optimiser.rate(iteration / recipe.steps))
            yield recipe.optimiser.drawn(z, generator), weights((iteration - 1) / recipe.steps, z), rate, consensus

    stopping = Stopping(recipe, model, observation)
    iteration, begun = 0, pick.match
    while iteration < recipe.steps:
        if group is not None and iteration % HOLD == 0:
            standing, match = together(descent.standing for descent in descents)
            consensus = group.consensus(space.candidate(standing).images, match)
        iterations = range(iteration + 1, min(iteration + CHECK_EVERY, recipe.steps) + 1)
        most = AHEAD if space.redraw is None else 0
        with closing(ahead(descents, given(iterations), most)) as found:
            for iteration, (at, match, terms, better, kept, best) in zip(iterations, found, strict=True):
                pick = pick.after(better, kept, best)
                begun = pick.match.clone() if iteration == iterations.start else begun
                losses = dict(zip(names, (match, *terms.unbind(1)), strict=True))
                yield Progress(iteration, losses, pick.match, restarts, Guess(space, at), pick)
        if stopping.met(begun, pick.match):
            break
        lost = torch.cat([descent.search.lost() for descent in descents])
        if bool(lost.any()):
            fresh = space.start(recipe.seeds, generator).to(device)
            places = zip(*(each.tensor_split(len(descents)) for each in (lost, fresh)), strict=True)
            for descent, (mine, anew) in zip(descents, places, strict=True):
                descent.begin_again(mine, anew)
            restarts = restarts + lost.sum()
    yield Finished(stopping.status(), iteration, pick(), float(pick.match.min()), int(restarts))


class Descent:
    """Some of the seeds: where each looks next, the terms at its points, and what is kept of these."""

    def __init__(self, recipe: Recipe, objective: Objective, space: Space, z: Tensor) -> None:
        self.objective, self.space, self.last = objective, space, recipe.answer == "last"
        self.z, self.kept, self.best = z, z, z.new_full((len(z),), torch.inf)
        self.search, self.signs = recipe.optimiser.start(z), recipe.optimiser.signs
        self.standing = (z, z.new_ones(len(z)))  # alike before a match is known
        state = sum(tensor[0].numel() for tensor in self.search.state) * recipe.seeds
        recorded = objective.whole(len(z)) and state <= RECORDED
        self.step = captured(self.compute, space) if recorded else self.compute

    def __call__(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Gives z (S, N), its match (S,), priors (S, P), whether it is kept (S,), the kept z (S, N) and its match (S,).

        Takes noise (S, N) or (S, 0), the priors' weights (P,), the step size () and the consensus (B, C, H, W).
        """
        z = self.z
        match, terms, better, self.kept, self.best, self.z, *state = self.step(
            z, self.kept, self.best, *given, *self.search.state
        )
        self.search.state = tuple(state)
        self.standing = self.search.standing(z, match)
        return z, match, terms, better, self.kept, self.best

    def begin_again(self, lost: Tensor, fresh: Tensor) -> None:
        """The lost seeds (S,) from fresh points (S, N)."""
        self.z = torch.where(lost[:, None], fresh, self.z)
        standing, match = self.standing
        self.standing = standing, match.masked_fill(lost, torch.inf)
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
        objective = self.objective
        match, match_grad = objective.match(z)
        better = match.isfinite() if self.last else match < best
        kept, best = torch.where(better[:, None], z, kept), torch.where(better, match, best)
        terms, loss, grad = objective.with_priors(z, match, match_grad, weights, consensus)

        def again(z: Tensor, match: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
            if self.space.redraw is not None:
                match, grad = objective.match(z)
            _, loss, grad = objective.with_priors(z, match, grad, weights, consensus)
            return loss, grad

        found = Found(match, match_grad, loss, self.space.sign(grad) if self.signs else grad, again)
        moved, *after = self.search.move(z, found, rate, noise, *state)
        return match, terms, better, kept, best, self.space.project(moved), *after


def shares(
    recipe: Recipe, model: nn.Module, observation: Observation, space: Space, z: Tensor, threads: int
) -> list[Descent]:
    """Returns descents of as many threads, each with its rows of z (S, N).

    Several have a copy of the model each, since a model can be computed with by one thread at a time, and whoever
    looks at the attack may do so meanwhile.
    """
    models = [model] if threads == 1 else [deepcopy(model) for _ in range(threads)]
    return [
        Descent(recipe, Objective(recipe, mine, observation, space, threads), space, rows)
        for mine, rows in zip(models, z.tensor_split(threads), strict=True)
    ]


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

    def after(self, better: Tensor, kept: Tensor, match: Tensor) -> Picker:
        """The same with what is kept now (S, N), its match (S,), and whether it is new (S,)."""
        draws = self.draws
        if self.space.redraw is not None:
            new = {k: v.expand(len(kept), *v.shape) for k, v in self.space.latents.items()}
            draws = {k: torch.where(better.view(-1, *[1] * (v.ndim - 1)), v, draws.get(k, v)) for k, v in new.items()}
        return replace(self, z=kept, match=match, draws=draws)

    def __call__(self) -> Candidate:
        best, near = self.match.argmin(), self.match <= NEAR * self.match.min()
        z = self.z[near].mean(0) if self.answer == "mean" else self.z[best]
        answer = self.space.candidate(z[None])
        return replace(answer, latents=answer.latents | {k: v[best][None] for k, v in self.draws.items()})
