"""Label counts: exact on untrained networks with repeats, and the formula against the truth's own numbers."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
import torch.nn.functional as F

from gradleak_core.attacks.parts.labels import LabelCounts
from gradleak_core.client import ClientStep, observe
from gradleak_core.models import INITS, MODELS, build
from gradleak_core.types import Observation, Secret

SHAPE, CLASSES, ONE = (3, 32, 32), 10, ClientStep()


def observed(labels: torch.Tensor, seed: int, step: ClientStep = ONE) -> tuple[torch.nn.Module, Observation]:
    """Smooth pictures, unlike those that the attacker measures the network on."""
    model = build(MODELS["lenet"](init=INITS["default_init"]()), SHAPE, CLASSES, seed=seed)  # type: ignore[call-arg]
    coarse = torch.rand(len(labels), 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    images = F.interpolate(coarse, SHAPE[1:], mode="bilinear")
    return model, observe(model, Secret(images, labels, {}), step, (), classes=CLASSES, seed=0)


@pytest.mark.parametrize("batch", [1, 2, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_exact_with_repeats_on_an_untrained_network(batch: int, seed: int) -> None:
    labels = torch.randint(0, 4, (batch,), generator=torch.Generator().manual_seed(seed))
    found = LabelCounts().read(*observed(labels, seed))
    assert Counter(found.tolist()) == Counter(labels.tolist())


def test_one_class_alone_is_counted_as_often_as_it_occurs() -> None:
    assert LabelCounts().read(*observed(torch.full((16,), 7), 0)).tolist() == [7] * 16


def test_counts_hold_over_several_local_steps() -> None:
    labels = torch.tensor([3, 3, 3, 8, 8, 1])
    found = LabelCounts().read(*observed(labels, 1, ClientStep(local_epochs=3, lr=1e-3)))
    assert Counter(found.tolist()) == Counter(labels.tolist())


def test_what_is_measured_is_the_networks_mean_on_random_pictures() -> None:
    model, seen = observed(torch.tensor([1, 2]), 0)
    prediction, features = LabelCounts(probes=512).measured(model, seen)
    pictures = torch.rand(2048, *SHAPE, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        torch.testing.assert_close(prediction, model(pictures).softmax(1).mean(0), rtol=0.02, atol=1e-3)
        torch.testing.assert_close(features, model[:-1](pictures).sum(1).mean(), rtol=0.02, atol=0)
    assert not model.classifier._forward_pre_hooks


def test_reading_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    LabelCounts().read(*observed(torch.tensor([1, 2]), 0))
    assert torch.equal(state, torch.get_rng_state())
