"""The distances that look at one tensor at a time, against closed forms and loops."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks.parts.distances import GaussianKernel, Norms
from gradleak_core.updates import Observed

SEEN = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)  # variance 1, so that s = 1
EDGE = 1 - exp(-0.5)


def kernel(d: float) -> tuple[float, float]:
    """Value and slope in d of the kernel for a guess at mean squared difference d from `SEEN`."""
    share = torch.tensor([d], dtype=torch.float64, requires_grad=True)
    value = GaussianKernel().to(Observed({"a": SEEN}))({"a": SEEN + share.sqrt()[:, None]})
    (slope,) = torch.autograd.grad(value.sum(), share)
    return value.item(), slope.item()


@pytest.mark.parametrize("d", [1e-6, 0.01, 0.3, 0.999])
def test_inside_its_width_it_is_a_gaussian(d: float) -> None:
    value, slope = kernel(d)
    assert value == pytest.approx(1 - exp(-d / 2))
    assert slope == pytest.approx(0.5 * exp(-d / 2))


def test_value_and_slope_are_continuous_at_the_width() -> None:
    (below, slope_below), (above, slope_above) = kernel(1 - 1e-9), kernel(1 + 1e-9)
    assert below == pytest.approx(above, abs=1e-8)
    assert below == pytest.approx(EDGE, abs=1e-8)
    assert slope_below == pytest.approx(slope_above, rel=1e-6)
    assert slope_below == pytest.approx(0.5 * exp(-0.5), rel=1e-6)


def test_outside_it_grows_without_end_and_never_goes_flat() -> None:
    """A Gaussian's slope is gone at 100 widths; the annealed one falls like 1 / d."""
    for d in (10.0, 1e4, 1e8):
        value, slope = kernel(d)
        assert value == pytest.approx(EDGE + 0.5 * exp(-0.5) * log(d))
        assert slope == pytest.approx(0.5 * exp(-0.5) / d)


def test_the_width_is_each_tensors_own_and_every_tensor_counts_alike() -> None:
    """Scaling one tensor, guess and all, changes nothing; slow recomputation, entry by entry."""
    generator = torch.Generator().manual_seed(0)
    seen = [torch.randn(6, generator=generator) for _ in range(3)]
    guess = [g + 0.1 * torch.randn(2, 6, generator=generator) for g in seen]

    def value(scale: float) -> Tensor:
        measure = GaussianKernel().to(Observed({"a": scale * seen[0], "b": seen[1], "c": seen[2]}))
        return measure({"a": scale * guess[0], "b": guess[1], "c": guess[2]})

    torch.testing.assert_close(value(1e3), value(1.0), rtol=1e-4, atol=1e-6)
    slow = []
    for s in range(2):
        total = 0.0
        for mine, theirs in zip(guess, seen, strict=True):
            mean = sum(theirs.tolist()) / 6
            width = sum((g - mean) ** 2 for g in theirs.tolist()) / 6
            d = sum((a - b) ** 2 for a, b in zip(mine[s].tolist(), theirs.tolist(), strict=True)) / 6
            total += 1 - exp(-d / 2 / width)
            assert d < width
        slow.append(total)
    assert value(1.0).tolist() == pytest.approx(slow, rel=1e-4)


@pytest.mark.parametrize("seen", [torch.zeros(3), torch.full((3,), 2.0), torch.full((1,), 4.0)])
def test_a_tensor_without_variance_gives_a_finite_slope(seen: Tensor) -> None:
    guess = (seen + 0.5).expand(2, *seen.shape).clone().requires_grad_()
    value = GaussianKernel().to(Observed({"a": seen}))({"a": guess})
    (slope,) = torch.autograd.grad(value.sum(), guess)
    assert value.isfinite().all()
    assert slope.isfinite().all()
    assert (slope > 0).all()


def test_norms_are_not_squared_and_taken_of_each_tensor() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = {"a": torch.randn(3, 4, generator=generator), "b": torch.randn(5, generator=generator)}
    guess = {k: torch.randn(2, *g.shape, generator=generator) for k, g in seen.items()}
    slow = [
        sum(sqrt(sum((guess[k][s] - g).square().flatten().tolist())) for k, g in seen.items())
        for s in range(2)
    ]  # fmt: skip
    assert Norms().to(Observed(seen))(guess).tolist() == pytest.approx(slow, rel=1e-5)


def test_norms_have_a_slope_of_zero_at_the_truth_not_nan() -> None:
    guess = torch.ones(1, 3, requires_grad=True)
    (slope,) = torch.autograd.grad(Norms().to(Observed({"a": torch.ones(3)}))({"a": guess}).sum(), guess)
    assert slope.tolist() == [[0, 0, 0]]
