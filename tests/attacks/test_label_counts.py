"""Rules that count labels: exact on untrained networks with repeats, and each equation against the truth's numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gradleak_core.attacks.parts.labels import BIAS, BiasRule, InstanceWise, LabelCounts, Labels, nearest_labels, tally
from gradleak_core.attacks.parts.probes import noise
from gradleak_core.client import observe
from gradleak_core.models import INITS, MODELS, build
from gradleak_core.types import ClientStep, Observation, Refused, Secret

SHAPE, CLASSES, ONE = (3, 32, 32), 10, ClientStep()
RULES = (BiasRule(), BiasRule(noise="pink"), LabelCounts(), InstanceWise())
EACH = pytest.mark.parametrize("rule", RULES, ids=["bias", "pink", "counts", "instance"])


def smooth(count: int, seed: int) -> torch.Tensor:
    """Smooth pictures, unlike those that the attacker measures the network on."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, SHAPE[1:], mode="bilinear")


def observed(
    labels: torch.Tensor, seed: int, step: ClientStep = ONE, init: str = "default_init"
) -> tuple[torch.nn.Module, Observation]:
    model = build(MODELS["lenet"](init=INITS[init]()), SHAPE, CLASSES, seed=seed)  # type: ignore[call-arg]
    return model, observe(model, Secret(smooth(len(labels), seed), labels, {}), step, (), classes=CLASSES, seed=0)


def drawn(batch: int, seed: int, classes: int = 4) -> torch.Tensor:
    return torch.randint(0, classes, (batch,), generator=torch.Generator().manual_seed(seed))


def right(rule: Labels, labels: torch.Tensor, seed: int, step: ClientStep = ONE, init: str = "default_init") -> int:
    found = rule.read(*observed(labels, seed, step, init))
    assert found is not None
    return (Counter(found.tolist()) & Counter(labels.tolist())).total()


@EACH
@pytest.mark.parametrize("batch", [1, 2, 8, 16, 64])
def test_counts_are_exact_with_repeats_on_an_untrained_network(rule: Labels, batch: int) -> None:
    assert [right(rule, drawn(batch, seed), seed) for seed in range(3)] == [batch] * 3


@EACH
def test_one_class_alone_is_counted_as_often_as_it_occurs(rule: Labels) -> None:
    found = rule.read(*observed(torch.full((16,), 7), 0))
    assert found is not None
    assert found.tolist() == [7] * 16


@EACH
@pytest.mark.parametrize(("epochs", "size"), [(3, 0), (1, 4), (2, 8)])
def test_a_picture_in_a_smaller_last_mini_batch_counts_once(rule: Labels, epochs: int, size: int) -> None:
    """It weighs as much as a whole mini-batch before it."""
    labels = torch.tensor([*[3, 3, 8, 3, 3, 8, 3, 3][: size or 8], 1])
    step = ClientStep(local_epochs=epochs, local_batch=size, lr=1e-3)
    assert right(rule, labels, 1, step) == len(labels)


def test_weights_are_how_often_a_step_holds_the_picture_over_its_size() -> None:
    assert ONE.weights(4) == [0.25] * 4
    assert ClientStep(local_epochs=3, local_batch=2).weights(5) == [1.5] * 4 + [3]


@pytest.mark.parametrize(("batch", "size"), [(5, 4), (10, 8), (11, 4), (8, 0), (16, 16)])
def test_a_tally_has_the_least_squared_error_of_all(batch: int, size: int) -> None:
    """At the masses of some labels, moved by less than half of the least difference between two answers."""
    weights = ClientStep(local_batch=size).weights(batch)
    for seed in range(5):
        labels = drawn(batch, seed, CLASSES)
        mass = torch.zeros(CLASSES).index_add_(0, labels, torch.tensor(weights))
        noisy = mass + 0.02 / batch * torch.randn(CLASSES, generator=torch.Generator().manual_seed(seed))
        found = tally(noisy, weights)[0].tolist()
        assert len(found) == batch
        assert Counter(found) == Counter(labels.tolist())


def test_the_bias_rule_is_exact_for_the_predictions_of_the_batch() -> None:
    """On weights so large that predictions differ between classes, where noise does not tell them exactly."""
    for seed in range(10):
        labels = drawn(8, seed, CLASSES)
        model, seen = observed(labels, seed, init="uniform")
        with torch.no_grad():
            own = model(smooth(8, seed)).softmax(1).mean(0)
        assert Counter(tally(own - seen.update[BIAS], ONE.weights(8))[0].tolist()) == Counter(labels.tolist())


def test_a_network_that_takes_noise_for_one_class_is_counted_by_a_uniform_prediction() -> None:
    """As trained networks do, whose updates of pictures that they know are next to nothing."""
    labels, weights = torch.tensor([1, 1, 3, 5]), ONE.weights(4)
    counts = torch.bincount(labels, minlength=CLASSES) / 4
    misled, even = torch.eye(CLASSES)[2], torch.full((CLASSES,), 1 / CLASSES)
    near = torch.softmax(0.3 * torch.randn(CLASSES, generator=torch.Generator().manual_seed(0)), 0)
    assert sorted(tally(misled - (near - counts), weights)[0].tolist()) != labels.tolist()
    for own in (even, near):
        assert sorted(nearest_labels(own - counts, misled, weights).tolist()) == labels.tolist()
    assert sorted(nearest_labels(0.9 * (even - counts), misled, weights).tolist()) == labels.tolist()


@EACH
def test_on_large_weights_predictions_count(rule: Labels) -> None:
    """Without them, four labels of five are found there."""
    labels = [drawn(8, seed, CLASSES) for seed in range(10)]
    without = 0
    for seed, batch in enumerate(labels):
        _, seen = observed(batch, seed, init="uniform")
        without += (Counter(tally(-seen.update[BIAS], ONE.weights(8))[0].tolist()) & Counter(batch.tolist())).total()
    found = sum(right(rule, batch, seed, init="uniform") for seed, batch in enumerate(labels))
    assert without < 0.9 * 80 < 0.95 * 80 <= found


def test_features_that_vary_do_no_harm_where_there_is_a_bias_and_hiding_one_part_leaves_the_other() -> None:
    model, seen = observed(torch.tensor([1, 2, 2]), 0)
    shown = {name: g for name, g in seen.update.items() if name != "classifier.weight"}
    for rule in (BiasRule(), LabelCounts()):
        assert sorted(rule.read(model, replace(seen, update=shown)).tolist()) == [1, 2, 2]  # type: ignore[union-attr]
    with pytest.raises(Refused, match=r"classifier\.weight, which is hidden"):
        InstanceWise().read(model, replace(seen, update=shown))


def test_an_update_without_any_gradient_or_number_still_gives_a_label_a_picture() -> None:
    model, seen = observed(torch.tensor([1, 2, 2]), 0)
    for value in (0.0, torch.nan, torch.inf):
        update = {k: torch.full_like(g, value) for k, g in seen.update.items()}
        for rule in RULES:
            found = rule.read(model, replace(seen, update=update))
            assert found is not None
            assert len(found) == 3


@pytest.mark.parametrize("kind", ["white", "pink"])
def test_what_is_measured_is_the_networks_mean_on_random_pictures(kind: str) -> None:
    model, _ = observed(torch.tensor([1, 2]), 0)
    prediction, features = LabelCounts(probes=512, noise=kind).measured(model, SHAPE)  # type: ignore[arg-type]
    pictures = noise(kind, 2048, SHAPE, torch.Generator().manual_seed(9))  # type: ignore[arg-type]
    with torch.no_grad():
        torch.testing.assert_close(prediction, model(pictures).softmax(1).mean(0), rtol=0.02, atol=1e-3)
        torch.testing.assert_close(features, model[:-1](pictures).sum(1).mean(), rtol=0.02, atol=0)
    assert not model.classifier._forward_pre_hooks


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (3, 15, 20)])
def test_amplitudes_of_pink_noise_fall_as_one_over_the_frequency(shape: tuple[int, int, int]) -> None:
    pictures = noise("pink", 500, shape, torch.Generator().manual_seed(0))
    assert pictures.shape == (500, *shape)
    assert 0 <= pictures.min() < 0.2 < 0.8 < pictures.max() <= 1
    rows = torch.fft.rfft(pictures - 0.5, dim=-1).abs().square().mean((0, 1, 2))
    white = torch.fft.rfft(noise("white", 500, shape, torch.Generator().manual_seed(0)) - 0.5, dim=-1)
    flat = white.abs().square().mean((0, 1, 2))
    assert rows[1] > 2 * rows[2]
    assert rows[2] > 1.5 * rows[4]
    assert flat[1:].max() < 1.5 * flat[1:].min()


def test_reading_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    for rule in RULES:
        rule.read(*observed(torch.tensor([1, 2]), 0))
    assert torch.equal(state, torch.get_rng_state())
