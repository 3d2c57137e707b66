"""The one optimisation loop: move guesses until their update matches the observed one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gradleak_core.attacks.objective import Objective, sharing
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.types import (
    Answer,
    Candidate,
    Event,
    Finished,
    Latents,
    Observation,
    Progress,
    Started,
    Status,
)

if TYPE_CHECKING:
    from gradleak_core.attacks.recipe import Recipe

NEAR = 1.5
"""How many times the lowest match a seed's may be, for the seed to count in the mean."""
CHECK_EVERY = 10
"""Iterations between looks at whether seeds are lost or the goal is reached; each look waits for the device."""


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
    objective = Objective(recipe, model, observation, space, threads)
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
