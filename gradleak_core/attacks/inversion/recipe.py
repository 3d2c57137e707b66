"""A published attack as a value: a distance, labels, unknowns, priors and an optimiser, put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from torch import nn

from gradleak_core.attacks.inversion.loop import invert
from gradleak_core.attacks.parts.distances import Distance
from gradleak_core.attacks.parts.labels import Labels
from gradleak_core.attacks.parts.matched import Everything, Matched
from gradleak_core.attacks.parts.optimisers import Optimiser
from gradleak_core.attacks.parts.priors import Prior
from gradleak_core.attacks.parts.stances import Ignore, Stance
from gradleak_core.attacks.parts.unknowns import Unknown
from gradleak_core.types import MOST_STEPS, Answer, Event, Knob, Observation


@dataclass(frozen=True)
class Recipe:
    """An attack by optimisation. Every field can be changed on its own."""

    name: str
    distance: Annotated[
        Distance, Knob("Distance", "How the guessed update is compared with the observed one.", family="distances")
    ]
    labels: Annotated[Labels, Knob("Labels", "How the attacker comes to the labels.", family="labels")]
    unknowns: Annotated[tuple[Unknown, ...], Knob("Unknowns", "What is solved for.", 1, family="unknowns")]
    priors: Annotated[tuple[Prior, ...], Knob("Priors", "What the attacker believes of pictures.", family="priors")]
    optimiser: Annotated[Optimiser, Knob("Optimiser", "How the guess is improved.", family="optimisers")]
    steps: Annotated[
        int, Knob("Iterations", "Steps of the optimiser; each evaluates the model once.", 1, MOST_STEPS, log=True)
    ]
    seeds: Annotated[
        int,
        Knob(
            "Seeds",
            "Independent guesses run side by side; those that match best count. More find more and take longer.",
            1,
            256,
            log=True,
        ),
    ] = 1
    answer: Annotated[
        Answer,
        Knob(
            "Answer",
            "The iterate of best match; the mean of each seed's best, over the seeds that match nearly as well as "
            "the best seed, blurred where they disagree; or the last iterate of the best seed, for an update that "
            "nothing can match.",
        ),
    ] = "best"
    goal: Annotated[
        float,
        Knob(
            "Goal",
            "Stop when the match is below this share of what an update of zeros has and falls no further; "
            "0 never stops early.",
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

    def run(self, model: nn.Module, observation: Observation, *, seed: int) -> Iterator[Event]:
        """The attack as a generator of `Started`, one `Progress` an iteration, and `Finished`."""
        return invert(self, model, observation, seed=seed)
