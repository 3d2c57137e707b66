"""Each defence against what its formula says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gradleak_core.client import draw_latents
from gradleak_core.defences.clipping import Clipping
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.half_precision import HalfPrecision
from gradleak_core.defences.laplace_noise import LaplaceNoise
from gradleak_core.defences.pruning import Pruning
from gradleak_core.defences.quantisation import Quantisation
from gradleak_core.defences.sign import Sign
from gradleak_core.models import build, layers
from gradleak_core.models.lenet import LeNet
from gradleak_core.models.mlp import MLP
from gradleak_core.types import ClientStep, Refused

MANY = 200_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one(defence: object, values: Tensor) -> Tensor:
    out: Tensor = defence.release({"w": values}, generator())["w"]  # type: ignore[attr-defined]
    return out


def test_gaussian_noise_has_its_moments() -> None:
    noise = one(GaussianNoise(std=0.3), torch.full((MANY,), 2.0)) - 2
    assert noise.mean().item() == pytest.approx(0, abs=0.005)
    assert noise.std().item() == pytest.approx(0.3, rel=0.01)
    assert (noise.abs() < 0.3).float().mean().item() == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.005)


def test_laplace_noise_has_its_moments() -> None:
    noise = one(LaplaceNoise(scale=0.3), torch.full((MANY,), 2.0)) - 2
    assert noise.mean().item() == pytest.approx(0, abs=0.005)
    assert noise.abs().mean().item() == pytest.approx(0.3, rel=0.01)
    assert noise.std().item() == pytest.approx(0.3 * math.sqrt(2), rel=0.01)
    assert (noise.abs() < 0.3).float().mean().item() == pytest.approx(1 - math.exp(-1), abs=0.005)


def test_two_tensors_do_not_share_their_noise() -> None:
    out = GaussianNoise().release({"a": torch.zeros(4), "b": torch.zeros(4)}, generator())
    assert not torch.equal(out["a"], out["b"])


@pytest.mark.parametrize(("share", "zeros"), [(0, 0), (0.1, 1), (0.5, 5), (0.9, 9), (0.999, 10)])
def test_pruning_zeroes_the_smallest_and_exactly_as_many(share: float, zeros: int) -> None:
    values = torch.tensor([5.0, -1, 9, -8, 2, 4, -3, 10, 7, -6])
    out = one(Pruning(share=share), values)
    assert (out == 0).sum() == zeros
    assert torch.equal(out, torch.where(values.abs() > zeros, values, 0.0))


def test_of_equal_entries_the_earlier_are_pruned() -> None:
    assert one(Pruning(share=0.5), torch.tensor([1.0, -1, 1, -1])).tolist() == [0, 0, 1, -1]


def test_pruning_the_whole_ranks_tensors_against_each_other() -> None:
    update = {"small": torch.tensor([[0.1, 0.2], [0.3, 0.4]]), "large": torch.tensor([1.0, -2, 3, -4])}
    whole = Pruning(share=0.5, scope="whole").release(update, generator())
    assert whole["small"].tolist() == [[0, 0], [0, 0]]
    assert torch.equal(whole["large"], update["large"])
    each = Pruning(share=0.5).release(update, generator())
    assert each["large"].tolist() == [0, 0, 3, -4]


def test_clipping_gives_the_norm_and_keeps_the_direction() -> None:
    update = {"a": torch.full((2, 2), 3.0), "b": torch.full((7,), -2.0)}  # norm 8
    out = Clipping(norm=2).release(update, generator())
    for name in update:
        torch.testing.assert_close(out[name], update[name] / 4)


@pytest.mark.parametrize("size", [0.0, 0.5])
def test_clipping_leaves_a_short_update_alone(size: float) -> None:
    assert one(Clipping(norm=1), torch.tensor([size, 0])).tolist() == [size, 0]


def test_clipping_each_image_happens_before_the_average() -> None:
    defence, long = Clipping(norm=1, each_example=True), {"w": torch.tensor([3.0, 4])}
    torch.testing.assert_close(defence.per_example(long)["w"], torch.tensor([0.6, 0.8]))
    assert torch.equal(defence.release(long, generator())["w"], long["w"])


def test_sign_keeps_zero() -> None:
    assert one(Sign(), torch.tensor([-2.5, 0, 1e-9])).tolist() == [-1, 0, 1]


def test_quantisation_rounds_to_the_nearest_level() -> None:
    values = torch.tensor([-3.0, -1.6, -0.4, 0, 0.6, 1.4, 2.9])  # two bits: levels 0, 1, 2, 3
    assert one(Quantisation(bits=2), values).tolist() == [-3, -2, 0, 0, 1, 1, 3]


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
@pytest.mark.parametrize("stochastic", [False, True])
def test_quantisation_has_so_many_levels_and_errs_by_less_than_one(bits: int, stochastic: bool) -> None:
    values = torch.randn(MANY, generator=generator(1))
    out = one(Quantisation(bits=bits, stochastic=stochastic), values)
    step = values.abs().max() / (2**bits - 1)
    assert len(out.abs().unique()) <= 2**bits
    assert ((out - values).abs() <= step * (1.001 if stochastic else 0.501) + 1e-6).all()
    assert out.abs().max() == pytest.approx(values.abs().max().item())


def test_random_rounding_is_right_on_average_and_nearest_rounding_is_not() -> None:
    values = torch.full((MANY,), 0.3)
    values[0] = 1
    assert one(Quantisation(bits=1, stochastic=True), values).mean().item() == pytest.approx(0.3, abs=0.005)
    assert one(Quantisation(bits=1), values)[1:].abs().max() == 0


def test_half_precision_rounds_to_sixteen_bits_and_never_overflows() -> None:
    values = torch.tensor([1 + 2.0**-12, 1e6, -1e6, 1e-9])
    assert one(HalfPrecision("float16"), values).tolist() == [1, 65504, -65504, 0]
    assert one(HalfPrecision("bfloat16"), torch.tensor([1 + 2.0**-9, 2.0**100])).tolist() == [1, 2.0**100]


@pytest.mark.parametrize(("place", "count"), [("before_classifier", 1), ("inside", 2), ("both", 3)])
def test_dropout_stands_in_the_places_named(place: str, count: int) -> None:
    hard = Dropout(p=0.4, place=place).harden(build(LeNet(), (1, 16, 16), 5, seed=0))  # type: ignore[arg-type]
    found = [m for m in hard.modules() if isinstance(m, layers.DropoutLayer)]
    assert [m.p for m in found] == [0.4] * count


def test_dropout_drops_its_share_and_scales_the_rest() -> None:
    hard = Dropout(p=0.25).harden(build(MLP(), (1, 8, 8), 5, seed=0))
    [draw] = draw_latents(hard, torch.rand(200, 1, 8, 8), ClientStep(), generator()).values()
    assert draw.shape == (1, 200, 1024)
    assert draw.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (draw == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)


def test_dropout_in_two_places_may_have_two_rates_but_not_one_place_twice() -> None:
    model = build(LeNet(), (1, 16, 16), 5, seed=0)
    once = Dropout(p=0.5).harden(model)
    both = Dropout(p=0.1, place="inside").harden(once)
    assert sorted(m.p for m in both.modules() if isinstance(m, layers.DropoutLayer)) == [0.1, 0.1, 0.5]
    with pytest.raises(Refused, match="before_classifier"):
        Dropout(p=0.2).harden(once)
