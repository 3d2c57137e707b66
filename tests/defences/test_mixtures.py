"""Defences on what goes in: noise, mixtures and encrypted mixtures, taken apart again by least squares."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gradleak_core.client import local_update, observe
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.defences.mixup import LARGEST, Mixup
from gradleak_core.models import MODELS, build
from gradleak_core.types import ClientStep, Secret


def batch(count: int) -> tuple[Tensor, Tensor]:
    """Different images, each of a class of its own."""
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.eye(count)


def mixed(defence: Defence, count: int, seed: int) -> tuple[Tensor, Tensor]:
    return defence.inputs(*batch(count), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["mixup", "instahide"])
@pytest.mark.parametrize("many", [2, 3, 4, 6])
def test_shares_sum_to_one_and_none_is_above_the_largest(kind: str, many: int) -> None:
    defence = DEFENCES[kind](images_mixed=many)  # type: ignore[call-arg]
    assert isinstance(defence, Mixup)
    shares = defence.shares(torch.zeros(200, 1), torch.Generator().manual_seed(0))
    assert shares.shape == (200, many)
    torch.testing.assert_close(shares.sum(1), torch.ones(200))
    assert shares.min() >= 0
    assert shares.max() <= LARGEST == 0.65


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("seed", range(6))
def test_labels_are_mixed_by_the_shares_of_the_images(count: int, seed: int) -> None:
    """The shares, found from the pictures alone by least squares, are the label probabilities."""
    images, labels = mixed(DEFENCES["mixup"](), count, seed)
    originals = batch(count)[0].flatten(1)
    shares = torch.linalg.lstsq(originals.T, images.flatten(1).T).solution.T
    torch.testing.assert_close(shares, labels, rtol=1e-3, atol=1e-4)
    assert labels.max() <= LARGEST
    assert ((labels > 0).sum(1) == 2).all()
    assert (labels.diagonal() > 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_every_image_has_as_many_different_parts_as_asked(seed: int) -> None:
    _, labels = mixed(DEFENCES["mixup"](images_mixed=4), 5, seed)  # type: ignore[call-arg]
    assert ((labels > 0).sum(1) == 4).all()


def test_instahide_flips_pixels_around_grey() -> None:
    hidden, labels = mixed(DEFENCES["instahide"](images_mixed=2), 4, seed=3)  # type: ignore[call-arg]
    plain = (labels @ batch(4)[0].flatten(1)).view_as(hidden)
    torch.testing.assert_close((hidden - 0.5).abs(), (plain - 0.5).abs(), rtol=1e-4, atol=1e-5)
    flipped = ((hidden - 0.5).sign() != (plain - 0.5).sign()).float()
    assert flipped.mean().item() == pytest.approx(0.5, abs=0.05)
    assert not torch.equal(flipped[0], flipped[1])


def test_input_noise_has_its_deviation_and_keeps_the_labels() -> None:
    grey = torch.full((4, 3, 32, 32), 0.5)
    noisy, labels = DEFENCES["input_noise"](std=0.05).inputs(grey, torch.eye(4), torch.Generator().manual_seed(0))  # type: ignore[call-arg]
    assert (noisy - grey).std().item() == pytest.approx(0.05, rel=0.05)
    assert torch.equal(labels, torch.eye(4))
    white = torch.ones(1, 3, 8, 8)
    assert DEFENCES["input_noise"](std=1.0).inputs(white, labels, torch.Generator())[0].max() <= 1  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", ["mixup", "instahide", "input_noise"])
def test_the_client_trains_on_what_the_defence_made_and_told_labels_are_its_labels(kind: str) -> None:
    model, defence = build(MODELS["lenet"](), (3, 16, 16), 4, seed=0), DEFENCES[kind]()
    x, y = batch(4)
    secret = Secret(x, y.argmax(1), {})
    seen = observe(model, secret, ClientStep(), (defence,), classes=4, told=["labels"], seed=5)
    images, labels = defence.inputs(x, y, torch.Generator().manual_seed(5))
    for name, expected in local_update(model, images, labels, {}, ClientStep()).items():
        torch.testing.assert_close(seen.update[name], expected)
    assert seen.labels is not None
    assert torch.equal(seen.labels, labels if defence.mixes else y.argmax(1))
