"""Gradient inversion by gradient matching: an attack as a value, and the one loop that runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from torch import Tensor, nn

from gradleak_core import speed
from gradleak_core.attacks.inversion.course import Course
from gradleak_core.attacks.inversion.descent import Descent
from gradleak_core.attacks.inversion.objective import Objective, prior_weights
from gradleak_core.attacks.inversion.picker import Picker
from gradleak_core.attacks.inversion.stopping import Stopping, distance_of_zeros
from gradleak_core.attacks.parts.distances import Distance
from gradleak_core.attacks.parts.labels import Labels
from gradleak_core.attacks.parts.matched import Everything, Matched
from gradleak_core.attacks.parts.optimisers import Optimiser
from gradleak_core.attacks.parts.priors import Group, Prior
from gradleak_core.attacks.parts.stances import Ignore, Stance
from gradleak_core.attacks.parts.unknowns import Space, Unknown
from gradleak_core.types import (
    MOST_STEPS,
    Answer,
    Checkpoint,
    Event,
    Finished,
    FirstGuess,
    Knob,
    Observation,
    Plateau,
    Progress,
    Saved,
    Started,
)

CHECK_EVERY = 10
"""Iterations between two checks for diverged restarts and for the goal; each check waits for the device."""
HOLD = 20
"""Iterations for which a group's consensus stays the same, a multiple of `CHECK_EVERY`."""


@dataclass(frozen=True)
class Recipe:
    """An attack by optimisation, as a row of parts and numbers that can each be changed on its own."""

    name: str
    distance: Annotated[
        Distance, Knob("Distance", "How the guessed update is compared with the observed one.", family="distances")
    ]
    labels: Annotated[Labels, Knob("Labels", "How the attacker comes to the labels.", family="labels")]
    unknowns: Annotated[tuple[Unknown, ...], Knob("Unknowns", "What is solved for.", 1, family="unknowns")]
    priors: Annotated[tuple[Prior, ...], Knob("Priors", "What the attacker believes about pictures.", family="priors")]
    optimiser: Annotated[Optimiser, Knob("Optimiser", "How the guess is improved.", family="optimisers")]
    steps: Annotated[
        int, Knob("Iterations", "Steps of the optimiser; each evaluates the model once.", 1, MOST_STEPS, log=True)
    ]
    restarts: Annotated[
        int,
        Knob(
            "Restarts",
            "Independent random starts of the attack. The best match counts; more restarts find more and take longer.",
            1,
            256,
            log=True,
        ),
    ] = 1
    answer: Annotated[
        Answer,
        Knob(
            "Answer",
            "best: the guess of smallest distance; mean: the mean of the restarts that match nearly as well, blurred "
            "where they disagree; last: where the best restart ends, for an update that nothing can match.",
        ),
    ] = "best"
    goal: Annotated[
        float,
        Knob(
            "Goal",
            "End early once the distance stands still below this share of what an update of zeros has; 0 never does.",
            0,
            1e3,
            log=True,
        ),
    ] = 0.0

    stance: Annotated[
        Stance,
        Knob("Randomness", "What the attacker does about dropout masks and noise in the model.", family="stances"),
    ] = Ignore()
    matched: Annotated[
        Matched, Knob("Matched layers", "Which part of the update the guess has to match.", family="matched")
    ] = Everything()

    @property
    def told(self) -> tuple[str, ...]:
        """The secrets that the threat model must reveal, among "labels" and "latents"."""
        parts = {"labels": self.labels.told, "latents": self.stance.told}
        return tuple(name for name, told in parts.items() if told)

    def run(
        self, model: nn.Module, observation: Observation, *, seed: int, begin: FirstGuess | Saved | None = None
    ) -> Iterator[Event]:
        """Runs gradient matching: moves guesses of the private batch until their update matches the observed one.

        Yields `Started`, one `Progress` for each iteration, and `Finished`; the seed draws all randomness. All restarts
        run together, one of them from the guess `begin`, if there is one. Each keeps one iterate, and the attacker
        makes one answer of these. The distance alone, without the priors, ranks the restarts. A restart that has
        diverged is redrawn. A run whose `begin` is what a `Checkpoint` has saved goes on there.
        """
        generator = torch.Generator().manual_seed(seed)
        space = Space(self.unknowns, self.labels.read(model, observation), observation, self.stance, model, generator)
        z = space.start(self.restarts, generator).to(next(model.parameters()))  # (S, N)
        z = space.begin_at(begin, z) if isinstance(begin, FirstGuess) else z
        pick, stopping = Picker.start(space, self.answer, z), Stopping(find_goal(self, model, observation))
        at = Course(generator, pick, stopping, redrawn=torch.zeros_like(z[0, 0]).long(), consensus=z[:0])
        names = ("distance", *(type(prior).__name__ for prior in self.priors))
        start = partial(start_descent, self, observation, space)
        with speed.side_by_side(start, model, z, fixed=space.redraw is None) as descent:
            if isinstance(begin, dict):
                at.resume(begin, descent)
            yield Started(self.steps, self.restarts, names)
            for first in range(at.iteration + 1, self.steps + 1, CHECK_EVERY):
                iterations = range(first, min(first + CHECK_EVERY, self.steps + 1))
                if first % HOLD == 1:
                    at.consensus = find_consensus(self, space, *descent.standing)
                rounds = plan_rounds(self, space, z, generator, at.consensus, iterations)
                for iteration, (here, distance, terms, *found) in zip(iterations, descent.run(rounds), strict=True):
                    at.iteration, at.pick = iteration, at.pick.after(*found)
                    if iteration == first:
                        at.stopping.begin(at.pick.distance)
                    losses = dict(zip(names, (distance, *terms.unbind(1)), strict=True))
                    yield Progress(
                        iteration, losses, at.pick.distance, at.redrawn, partial(space.candidate, here), at.pick
                    )
                if at.stopping.met(at.pick.distance):
                    break
                if plateau := find_plateau(self, at):
                    yield plateau
                    at.asked, at.stopping.level = True, plateau.ends
                if at.stopping.level or at.iteration == self.steps:
                    break
                at.redrawn = at.redrawn + redraw_lost(descent, self, space, z, generator)
                yield Checkpoint(at.iteration, partial(at.save, descent))
        least = float(at.pick.distance.min())
        yield Finished(at.stopping.status(), at.iteration, at.pick(), least, int(at.redrawn), at.stopping.fell())


def find_plateau(recipe: Recipe, at: Course) -> Plateau | None:
    """Returns the plateau that a run is on; None while something improves, may still change, or is nearly over.

    A step size that falls, or a prior whose weight changes, can make a search improve that stands still. Nor is there
    one where it was asked already whether the run goes on.
    """
    still = 0 if at.asked else at.stopping.checks_level() * CHECK_EVERY
    done, left = at.iteration / recipe.steps, recipe.steps - at.iteration
    rates = {recipe.optimiser.rate(done), recipe.optimiser.rate(1.0)}
    changing = len(rates) > 1 or any(prior.weight_at(done) != prior.weight_at(1.0) for prior in recipe.priors)
    return Plateau(at.iteration, still, left) if still and left > still // 3 and not changing else None


def find_goal(recipe: Recipe, model: nn.Module, observation: Observation) -> float:
    """Returns the distance below which a run may end: the recipe's share of the distance of an update of zeros."""
    return recipe.goal * distance_of_zeros(recipe.distance, recipe.matched, model, observation) if recipe.goal else 0.0


def redraw_lost(
    descent: speed.Descending | speed.Shared, recipe: Recipe, space: Space, z: Tensor, generator: torch.Generator
) -> Tensor:
    """Starts the restarts anew that have diverged, and returns their number ()."""
    lost = descent.lost()
    if bool(lost.any()):
        descent.begin_again(lost, space.start(recipe.restarts, generator).to(z))
    return lost.sum()


def start_descent(recipe: Recipe, observation: Observation, space: Space, model: nn.Module, z: Tensor) -> Descent:
    """Returns the descent of S restarts from their first points z (S, N)."""
    objective = Objective(recipe.distance, recipe.matched, recipe.priors, model, observation, space, len(z))
    return Descent(objective, space, recipe.optimiser, z, keep_last=recipe.answer == "last")


def find_consensus(recipe: Recipe, space: Space, z: Tensor, distance: Tensor) -> Tensor:
    """Returns the consensus (B, C, H, W) of restarts at z (S, N) with this distance (S,), or z[:0] without a group."""
    group = next((prior for prior in recipe.priors if isinstance(prior, Group)), None)
    return z[:0] if group is None else group.consensus(space.candidate(z).images, distance)


def plan_rounds(
    recipe: Recipe, space: Space, z: Tensor, generator: torch.Generator, consensus: Tensor, iterations: Iterable[int]
) -> Iterator[tuple[Tensor, ...]]:
    """Yields the arguments of each iteration's descent: noise, the priors' weights (P,), the step size (), consensus.

    The noise is (S, N) or (S, 0). An attacker who guesses the model's draws makes them anew in every iteration.
    """
    for iteration in iterations:
        space.refresh()
        rate = z.new_full((), recipe.optimiser.rate(iteration / recipe.steps))
        weights = prior_weights(recipe.priors, (iteration - 1) / recipe.steps, z)
        yield recipe.optimiser.drawn(z, generator), weights, rate, consensus
