"""Metrics against closed forms, scikit-image and brute force."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional as F

from gradleak_core.metrics import score
from gradleak_core.metrics.score import pair, visible
from gradleak_core.verdicts import recognisable, seen

ZERO = torch.zeros(1, dtype=torch.long)


def pictures(count: int, channels: int = 3, size: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(seed))


def one(guess: Tensor, truth: Tensor) -> dict[str, float]:
    return score(guess, truth, ZERO, ZERO, 0.25)


def test_a_constant_error_has_a_closed_form() -> None:
    got = one(torch.full((1, 3, 16, 16), 0.6), torch.full((1, 3, 16, 16), 0.5))
    assert got["mse"] == pytest.approx(0.01, rel=1e-5)
    assert got["rmse"] == pytest.approx(0.1, rel=1e-5)
    assert got["psnr"] == pytest.approx(20, abs=1e-3)
    c1 = 0.01**2  # no contrast, so only the brightness term is left
    assert got["ssim"] == pytest.approx((2 * 0.5 * 0.6 + c1) / (0.25 + 0.36 + c1), abs=1e-3)
    assert got["distance"] == 0.25


def test_equal_images_score_best_and_stay_finite() -> None:
    got = one(pictures(1), pictures(1))
    assert got["mse"] == got["rmse"] == 0
    assert got["psnr"] == 100
    assert got["ssim"] == pytest.approx(1, abs=1e-4)
    assert got["likeness"] == pytest.approx(1)


def test_a_guess_outside_the_range_is_clamped() -> None:
    truth = (pictures(1) > 0.5).float()
    assert one(truth * 10 - 3, truth)["psnr"] == 100


def test_a_guess_that_is_not_finite_counts_as_black() -> None:
    truth = pictures(1)
    assert one(torch.full_like(truth, math.nan), truth) == one(torch.zeros_like(truth), truth)


def test_means_are_taken_over_images_not_over_pixels() -> None:
    truth = torch.zeros(2, 1, 16, 16)
    guess = torch.stack((torch.full((1, 16, 16), 0.1), torch.full((1, 16, 16), 0.01)))
    got = score(guess, truth, torch.tensor([0, 1]), torch.tensor([0, 1]), 0.0)
    assert got["psnr"] == pytest.approx((20 + 40) / 2, abs=1e-3)
    assert got["rmse"] == pytest.approx((0.1 + 0.01) / 2, rel=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_scikit_images(channels: int) -> None:
    """The two mirror borders differently, so the pictures have a black frame; theirs is averaged over the whole map."""
    truth, noise = torch.zeros(2, 1, channels, 32, 32)
    truth[..., 6:26, 6:26] = pictures(1, channels, 20)
    noise[..., 6:26, 6:26] = pictures(1, channels, 20, seed=1)
    guess = (truth + 0.3 * noise).clamp(0, 1)
    _, full = structural_similarity(
        truth[0].numpy(),
        guess[0].numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert one(guess, truth)["ssim"] == pytest.approx(float(full.mean()), abs=1e-4)


@pytest.mark.parametrize("size", [6, 17])
def test_ssim_is_its_equation_window_by_window(size: int) -> None:
    truth, guess = pictures(1, 1, size)[0, 0].double(), pictures(1, 1, size, seed=2)[0, 0].double()
    mirrored = [F.pad(image[None, None], (5,) * 4, mode="reflect")[0, 0].unfold(0, 11, 1).unfold(1, 11, 1)
                for image in (guess, truth)]  # fmt: skip
    place = torch.arange(11).double() - 5
    bell = torch.exp(-(place[:, None] ** 2 + place**2) / (2 * 1.5**2))
    bell /= bell.sum()
    values = []
    for x, y in zip(*(windows.reshape(-1, 11, 11) for windows in mirrored), strict=True):
        (mx, my), (dx, dy) = ((bell * x).sum(), (bell * y).sum()), (x - (bell * x).sum(), y - (bell * y).sum())
        variances, covariance = (bell * dx**2).sum() + (bell * dy**2).sum(), (bell * dx * dy).sum()
        light = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
        values.append(light * (2 * covariance + 9e-4) / (variances + 9e-4))
    assert one(guess[None, None].float(), truth[None, None].float())["ssim"] == pytest.approx(
        float(torch.stack(values).mean()), abs=1e-6
    )


def test_more_noise_scores_worse_and_the_threshold_lies_between() -> None:
    truth = torch.nn.functional.interpolate(pictures(1, 3, 8), size=32, mode="bilinear")
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    slight, strong = one(truth + 0.02 * noise, truth), one(truth + 0.5 * noise, truth)
    assert seen(slight) == "near copy"
    assert not recognisable(strong)
    assert strong["ssim"] < slight["ssim"]
    assert strong["psnr"] < slight["psnr"]


@pytest.mark.parametrize(
    ("guessed", "true", "share"),
    [
        ([3], [3], 1),
        ([3], [4], 0),
        ([4, 3], [3, 4], 1),
        ([3, 3], [3, 4], 0.5),
        ([3, 4], [3, 3], 0.5),
        ([3, 3, 4], [3, 3, 3], 2 / 3),
    ],
)
def test_labels_are_compared_as_multisets(guessed: list[int], true: list[int], share: float) -> None:
    images = pictures(len(true))
    got = score(images, images, torch.tensor(guessed), torch.tensor(true), 0.0)
    assert got["label_accuracy"] == pytest.approx(share)


def test_a_shuffled_batch_is_put_back_in_order() -> None:
    truth, shuffle = pictures(8), torch.randperm(8, generator=torch.Generator().manual_seed(1))
    guess = truth[shuffle] + 0.05
    torch.testing.assert_close(guess[pair(guess, truth)], truth + 0.05)


def test_what_is_paired_is_what_is_seen() -> None:
    """Unclamped, the first guess would be the brighter truth's; a pixel that is not a number would be nobody's."""
    truth, guess = halves((1, 0.5), (0.9, 1)), halves((9, 0.95), (1, 0.5))
    assert pair(guess, truth).tolist() == [1, 0]
    assert pair(halves((math.nan, 1), (math.inf, 0.4)), halves((0, 0.5), (0, 1))).tolist() == [1, 0]
    assert torch.equal(visible(halves((-3, math.nan), (math.inf, 7))), halves((0, 0), (0, 1)))


def halves(*levels: tuple[float, float]) -> Tensor:
    """Grey pictures, one level in the upper and one in the lower half."""
    return torch.tensor(levels)[:, None, :, None].expand(-1, 1, -1, 16).repeat_interleave(8, 2)


def test_pairing_has_the_least_total_error_of_all_orders() -> None:
    guess, truth = pictures(5, size=2, seed=1), pictures(5, size=2, seed=2)
    errors = {p: (guess[list(p)] - truth).square().sum().item() for p in itertools.permutations(range(5))}
    assert tuple(pair(guess, truth).tolist()) == min(errors, key=errors.__getitem__)
