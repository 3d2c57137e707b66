"""An objective that changes during a run, whatever changes it, throws no seed away whose loss is finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.inversion.loop import HOLD
from gradleak_core.attacks.parts.optimisers import LBFGS, OPTIMISERS, Found
from gradleak_core.attacks.parts.priors import Box, Group, TotalVariation
from gradleak_core.attacks.parts.stances import STANCES
from gradleak_core.attacks.parts.unknowns import Pixels
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, prepare_both
from gradleak_core.speed.threads import ALL_THREADS
from gradleak_core.types import Finished, Progress


@pytest.fixture(params=[1, 2])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """What happens is alike whether the restarts share a thread or not."""
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(ALL_THREADS)


def attack(name: str, **changes: object) -> Recipe:
    found = RECIPES[name]
    return replace(found, **changes)  # type: ignore[arg-type]


GROUP = (TotalVariation(1e-4), Box(1e-2), Group(1e-3, weighted=True))
CHANGING = {
    "a group that switches on and moves": attack("general_deep_leakage", priors=GROUP, steps=100),
    "a registered group": attack("general_deep_leakage", priors=(Group(1e-2, registered=True),), restarts=3, steps=60),
    "a falling total variation": attack("idlg", priors=(TotalVariation(1e-3, early=1000),), restarts=2, steps=80),
    "widths that anneal": attack("sapag", restarts=2, steps=60),
    "draws that are new": attack("idlg", stance=STANCES["guess"](), restarts=2, steps=30),
    "a heavy group with Adam": attack("inverting_gradients", priors=(Group(1e4),), restarts=2, steps=60),
}


def play(recipe: Recipe, seed: int) -> list[Progress | Finished]:
    batch = 2 if recipe.name == "general_deep_leakage" else 1
    defences = (DEFENCES["dropout"](p=0.1),) if recipe.stance.fresh else ()  # type: ignore[call-arg]
    experiment = Experiment(
        images=("sample:coffee", "sample:rocket")[:batch], labels=(2, 4)[:batch], classes=6, channels=1, size=12,
        seed=seed, attack=recipe, defences=defences,
    )  # fmt: skip
    both = prepare_both(experiment)
    return [e for e in recipe.run(both.model, both.observation, seed=seed) if isinstance(e, (Progress, Finished))]


@pytest.mark.contract
@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("what", CHANGING)
def test_no_seed_is_drawn_anew_while_its_loss_is_finite(what: str) -> None:
    *way, end = play(CHANGING[what], 1613)
    for event in way:
        assert isinstance(event, Progress)
        assert all(loss.isfinite().all() for loss in event.losses.values())
    assert isinstance(end, Finished)
    assert end.redrawn == 0


@pytest.mark.usefixtures("_threads")
def test_the_consensus_is_the_mean_of_where_the_seeds_stood_and_is_held() -> None:
    prior = Group(1e-3, begin=0)
    *way, _ = play(attack("inverting_gradients", priors=(prior,), restarts=3, steps=2 * HOLD + 5), 97)
    guesses = [event.guess().images for event in way if isinstance(event, Progress)]
    found = [event.losses["Group"] / prior.weight for event in way if isinstance(event, Progress)]
    for number, (guess, distance) in enumerate(zip(guesses, found, strict=True)):
        stood = guesses[max(number // HOLD * HOLD - 1, 0)].mean(0)
        # float32 sums of a few hundred squares
        torch.testing.assert_close(distance, (guess - stood).flatten(1).norm(dim=1), rtol=1e-4, atol=1e-5)


def test_lbfgs_takes_the_gradient_itself_and_not_its_signs() -> None:
    ends = [
        play(attack("inverting_gradients", unknowns=(Pixels(signed=signed),), steps=15, optimiser=LBFGS()), 8)[-1]
        for signed in (True, False)
    ]
    first, second = ends
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert first.distance == second.distance


# --- one search, against minima that are known ----------------------------------------------------------------------

Pull = Callable[[int], tuple[float, float]]
"""Weight w and place c of a prior w/2 · ‖z − c‖² at each iteration."""
PULLS: dict[str, Pull] = {
    "switched on": lambda i: (0.0 if i < 30 else 40.0, 2.0),
    "switched off": lambda i: (40.0 if i < 30 else 0.0, 2.0),
    "falling all the time": lambda i: (40 * 0.9**i, 2.0),
    "a place that moves": lambda i: (1.0, (2.0, -1.0, 0.5, 1.5)[min(i // 20, 3)]),
    "a place that moves all the time": lambda i: (1.0, 2 - 1.5 * 0.9**i),
}
SCALE = torch.tensor([1.0, 3.0, 10.0, 30.0, 100.0], dtype=torch.float64)


MIDDLE = 0.3
"""Where the distance is lowest, ½ Σ scale (z − middle)²."""


def square(z: Tensor, scale: Tensor | float, middle: float) -> tuple[Tensor, Tensor]:
    """Value (S,) and gradient (S, N)."""
    grad = scale * (z - middle)
    return 0.5 * (grad * (z - middle)).sum(1), grad


def descend(kind: str, pull: Pull, steps: int) -> tuple[Tensor, Tensor]:
    """Where two restarts end (2, 5), and which were ever lost (2,)."""
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(5)).double()
    search, lost = OPTIMISERS[kind]().start(z), torch.zeros(2, dtype=torch.bool)
    rate = torch.tensor(0.05 if kind == "adam" else 1.0)
    for i in range(steps):

        def again(z: Tensor, distance: Tensor, grad: Tensor, now: int = i) -> tuple[Tensor, Tensor]:
            prior, slope = square(z, *pull(now))
            return distance + prior, grad + slope

        distance, grad = square(z, SCALE, MIDDLE)
        found = Found(distance, grad, *again(z, distance, grad), again)
        z, *state = search.move(z, found, rate, z[:, :0], *search.state)
        search.state = tuple(state)
        lost |= search.lost()
    return search.standing(z, distance)[0], lost


@pytest.mark.parametrize("what", PULLS)
def test_lbfgs_finds_the_bottom_of_the_last_objective(what: str) -> None:
    z, lost = descend("lbfgs", PULLS[what], 150)
    weight, place = PULLS[what](149)
    assert not lost.any()
    bottom = (SCALE * MIDDLE + weight * place) / (SCALE + weight)
    torch.testing.assert_close(z, bottom.expand(2, 5), rtol=0, atol=1e-4)


@pytest.mark.parametrize("what", PULLS)
def test_adam_loses_no_seed_by_a_prior(what: str) -> None:
    assert not descend("adam", lambda i: (1e4 * PULLS[what](i)[0], PULLS[what](i)[1]), 60)[1].any()
