"""A total variation that starts high: its weight against the closed form, and in the losses that a run reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.priors import Box, TotalVariation
from gradleak_core.client import observe
from gradleak_core.models import MODELS, build
from gradleak_core.types import ClientStep, Progress, Secret

BASE = RECIPES["inverting_gradients"]
assert isinstance(BASE, Recipe)


def progress(prior: TotalVariation, *, steps: int, restarts: int) -> Iterator[Progress]:
    assert isinstance(BASE, Recipe)
    attack = replace(BASE, priors=(prior,), steps=steps, restarts=restarts)
    model = build(MODELS["lenet"](), (1, 16, 16), 4, seed=3)
    secret = Secret(torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(3)), torch.tensor([2]), {})
    observation = observe(model, secret, ClientStep(), (), classes=4, told=["labels"], seed=1)
    yield from (event for event in attack.run(model, observation, seed=5) if isinstance(event, Progress))


def test_it_falls_by_equal_factors_and_settles_after_four_fifths() -> None:
    prior = TotalVariation(0.01, early=100)
    weights = [prior.weight_at(done) for done in (0, 0.2, 0.4, 0.6, 0.8, 0.9, 1)]
    assert weights == pytest.approx([1, 0.1**0.5, 0.1, 0.1**1.5, 0.01, 0.01, 0.01])


@pytest.mark.parametrize("done", [0.0, 0.3, 1.0])
def test_a_factor_of_one_and_a_box_stay_the_same_to_the_bit(done: float) -> None:
    assert TotalVariation(0.3).weight_at(done) == 0.3
    assert Box(0.7).weight_at(done) == 0.7


@pytest.mark.parametrize("restarts", [1, 3])
def test_a_run_reports_each_seed_s_prior_under_the_weight_of_its_moment(restarts: int) -> None:
    prior = TotalVariation(0.01, early=100)
    for event in progress(prior, steps=5, restarts=restarts):
        weight = 0.01 * 100 ** (1 - min((event.iteration - 1) / 4, 1))
        assert event.losses["TotalVariation"].shape == (restarts,)
        torch.testing.assert_close(
            event.losses["TotalVariation"], weight * prior(event.guess(), None), rtol=1e-4, atol=0
        )


def test_a_high_start_smooths_early() -> None:
    def roughness(early: float) -> float:
        events = progress(TotalVariation(0.001, early=early), steps=30, restarts=1)
        return [float(TotalVariation()(event.guess(), None)) for event in events][14]

    assert roughness(1000) < 0.8 * roughness(1)
