"""What the attacker hands in, against the best iterates as a slow reading of every event finds them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks.parts.distances import Squared
from gradleak_core.attacks.parts.stances import Guess
from gradleak_core.client import local_update
from gradleak_core.defences.dropout import Dropout
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.presets import find_recipe
from gradleak_core.types import Finished, Progress
from gradleak_core.updates import Observed

SMALL = Experiment(images=("sample:coffee",), size=16, classes=6, labels=(2,), seed=11)
ATTACK = replace(find_recipe("inverting_gradients"), steps=25, restarts=3)


def best_guesses(events: list[Progress], restarts: int) -> Tensor:
    """(S, B, C, H, W): of every seed, the images of its iteration of smallest distance."""
    distances = torch.stack([event.losses["distance"] for event in events])  # (iterations, S)
    return torch.stack([events[int(distances[:, s].argmin())].guess().images[s] for s in range(restarts)])


@pytest.mark.parametrize("answer", ["best", "mean", "last"])
def test_the_answer_is_the_best_seed_the_mean_of_all_or_the_last_iterate(answer: str) -> None:
    attack = replace(ATTACK, answer=answer)  # type: ignore[arg-type]
    both = prepare_both(replace(SMALL, attack=attack))
    events = list(attack.run(both.model, both.observation, seed=4))
    progress = [event for event in events if isinstance(event, Progress)]
    guesses, best = best_guesses(progress, 3), progress[-1].best
    if answer == "last":
        guesses = progress[-1].guess().images
        assert torch.equal(best, progress[-1].losses["distance"])
    expected = guesses[best <= 1.5 * best.min()].mean(0) if answer == "mean" else guesses[best.argmin()]
    finished = events[-1]
    assert isinstance(finished, Finished)
    torch.testing.assert_close(finished.pick.images[0], expected)
    torch.testing.assert_close(progress[-1].pick().images[0], expected)
    assert finished.distance == best.min().item()
    assert not torch.allclose(guesses[best.argmin()], guesses.mean(0), atol=1e-2)


def test_the_best_match_of_a_guesser_holds_with_the_draws_it_was_reached_with() -> None:
    attack = replace(ATTACK, stance=Guess(), distance=Squared(), priors=(), restarts=2)
    both = prepare_both(replace(SMALL, attack=attack, defences=(Dropout(p=0.5, place="both"),)))
    events = list(attack.run(both.model, both.observation, seed=4))
    picks = [event.pick() for event in events if isinstance(event, Progress)]
    assert any(not torch.equal(a.latents["slot3.draw"], b.latents["slot3.draw"]) for a, b in pairwise(picks))
    finished = events[-1]
    assert isinstance(finished, Finished)
    draws = {k: v[0] for k, v in finished.pick.latents.items()}
    images, labels = finished.pick.images[0], finished.pick.labels[0]
    update = local_update(both.model, images, labels, draws, both.observation.step)
    distance = Squared().to(Observed(both.observation.update))({k: g[None] for k, g in update.items()})
    assert distance.item() == pytest.approx(finished.distance, rel=1e-4)
