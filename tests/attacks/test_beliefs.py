"""Registration and the priors of groups, statistics and masks, against closed forms and slow recomputation."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.parts.priors import (
    PRIORS,
    BatchStatistics,
    Energy,
    Group,
    KeepRate,
    Scale,
    Scene,
    TotalVariation,
    align,
)
from gradleak_core.attacks.parts.stances import STANCES
from gradleak_core.client import draw_latents
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, run
from gradleak_core.models import MODELS, build
from gradleak_core.models.statistics import inferred, statistics
from gradleak_core.types import Candidate, ClientStep, Finished, Observation, Statistics


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def scene(model: nn.Module | None = None, known: Statistics | None = None, consensus: Tensor | None = None) -> Scene:
    observation = Observation({}, ClientStep(train=True), 2, (3, 16, 16), 5, None, statistics=known)
    return Scene(model or nn.Identity(), observation, torch.empty(0) if consensus is None else consensus)


def apart(prior: Group, images: Tensor, distance: list[float]) -> Tensor:
    """The prior of images whose consensus has just been made."""
    return prior(guess(images), scene(consensus=prior.consensus(images.detach(), torch.tensor(distance))))


def guess(images: Tensor, **latents: Tensor) -> Candidate:
    return Candidate(images, torch.ones(*images.shape[:2], 5) / 5, latents)


class TestRegistration:
    @pytest.mark.parametrize("size", [(16, 16), (15, 20)])
    def test_it_undoes_a_roll_exactly(self, size: tuple[int, int]) -> None:
        """Every image of every seed has a shift of its own."""
        onto = pictures(2, 3, *size)
        shifts = [[(3, -5), (0, 0)], [(-7, 1), (8, 7)], [(0, 9), (1, 0)]]
        rolled = torch.stack([torch.stack([onto[b].roll(s, (-2, -1)) for b, s in enumerate(row)]) for row in shifts])
        assert torch.equal(align(rolled, onto), onto.expand(3, *onto.shape))

    def test_a_little_noise_does_not_hide_the_shift(self) -> None:
        onto = pictures(1, 3, 16, 16)
        rolled = onto.roll((4, -2), (-2, -1))[None]
        noisy = rolled + 0.1 * pictures(1, 1, 3, 16, 16, seed=1)
        torch.testing.assert_close(align(noisy, onto), noisy.roll((-4, 2), (-2, -1)))

    def test_a_flat_picture_stays_where_it_is(self) -> None:
        flat = torch.full((1, 1, 3, 8, 8), 0.5)
        assert torch.equal(align(flat, flat[0]), flat)


class TestGroup:
    x = pictures(3, 2, 3, 8, 8)

    def test_it_is_the_distance_to_the_mean(self) -> None:
        found = apart(Group(), self.x, [1.0, 2.0, 3.0])
        assert found.tolist() == pytest.approx([float((self.x[s] - self.x.mean(0)).norm()) for s in range(3)], rel=1e-5)

    def test_weighted_the_mean_counts_seeds_by_one_over_their_match(self) -> None:
        found = apart(Group(weighted=True), self.x, [1.0, 2.0, 4.0])
        consensus = (4 * self.x[0] + 2 * self.x[1] + self.x[2]) / 7
        assert found.tolist() == pytest.approx([float((self.x[s] - consensus).norm()) for s in range(3)], rel=1e-5)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_it_pulls_each_seed_straight_to_the_consensus(self, weighted: bool) -> None:
        x = self.x.clone().requires_grad_()
        distance = [1.0, 2.0, 4.0]
        (slope,) = torch.autograd.grad(apart(Group(weighted=weighted), x, distance).sum(), x)
        shares = torch.tensor([1 / m if weighted else 1.0 for m in distance])
        consensus = torch.einsum("s,s...->...", shares / shares.sum(), self.x)
        for s in range(3):
            away = self.x[s] - consensus
            torch.testing.assert_close(slope[s], away / away.norm(), rtol=1e-4, atol=1e-5)

    def test_squared_the_pull_fades_at_the_consensus(self) -> None:
        x = self.x.clone().requires_grad_()
        found = apart(Group(squared=True), x, [1.0, 2.0, 4.0])
        (slope,) = torch.autograd.grad(found.sum(), x)
        away = self.x - self.x.mean(0)
        assert found.tolist() == pytest.approx([float(away[s].norm()) ** 2 for s in range(3)], rel=1e-5)
        torch.testing.assert_close(slope, 2 * away, rtol=1e-4, atol=1e-5)

    def test_registered_shifted_copies_of_one_picture_agree_more(self) -> None:
        picture = pictures(1, 3, 16, 16)
        shifted = torch.stack([picture.roll((s, 2 * s), (-2, -1)) for s in range(4)])
        plain, registered = (apart(Group(registered=r), shifted, [1.0, 0.9, 1.0, 1.0]) for r in (False, True))
        assert registered[1] < 1e-4 < plain[1]
        others = [float((shifted[s] - picture.roll((1, 2), (-2, -1))).norm()) for s in (0, 2, 3)]
        assert registered[[0, 2, 3]].tolist() == pytest.approx(others, rel=1e-5)

    @pytest.mark.parametrize("registered", [False, True])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_lost_seed_does_not_spoil_the_others(self, registered: bool, weighted: bool) -> None:
        x = self.x.clone()
        x[1] = torch.nan
        prior = Group(registered=registered, weighted=weighted)
        found = apart(prior, x, [1.0, torch.nan, 2.0])
        two = apart(prior, self.x[[0, 2]], [1.0, 2.0])
        assert found[[0, 2]].tolist() == pytest.approx(two.tolist(), rel=1e-5)
        assert found[1].isnan()

    def test_a_match_that_rounds_below_zero_counts_as_zero(self) -> None:
        found = apart(Group(weighted=True), self.x, [-1e-7, 1.0, 1.0])
        assert found[0].item() == pytest.approx(0, abs=1e-5)

    def test_it_does_not_count_before_its_beginning(self) -> None:
        prior = Group(weight=0.3, begin=0.25)
        assert [prior.weight_at(done) for done in (0, 0.24, 0.25, 1)] == [0, 0, 0.3, 0.3]

    def test_one_seed_alone_agrees_with_itself(self) -> None:
        x = self.x[:1].clone().requires_grad_()
        value = apart(Group(), x, [1.0])
        (slope,) = torch.autograd.grad(value.sum(), x)
        assert value.item() == pytest.approx(0, abs=1e-6)
        assert slope.abs().max() == 0


def test_gradinversions_priors_have_the_papers_ratios() -> None:
    """Yin et al. 2021: total variation 1e-4, L2 1e-6, statistics 0.1, group 0.01."""
    recipe = RECIPES["gradinversion"]
    weights = {type(prior): prior.weight_at(1) for prior in recipe.priors}
    paper = {TotalVariation: 1e-4, Energy: 1e-6, BatchStatistics: 0.1, Group: 0.01}
    factor = weights[TotalVariation] / 1e-4
    assert weights == pytest.approx({kind: factor * weight for kind, weight in paper.items()})


class TestPixels:
    def test_scale_is_zero_for_a_picture_that_fills_the_range(self) -> None:
        full = torch.linspace(0, 1, 64).view(1, 1, 1, 8, 8)
        assert Scale()(guess(full), scene()).item() == pytest.approx(0, abs=1e-9)
        assert Scale()(guess(full / 2), scene()).item() == pytest.approx(float((full / 2).square().mean()), rel=1e-3)

    def test_scale_of_a_batch_stretches_each_image_alone(self) -> None:
        x = torch.cat([torch.linspace(0, 1, 64), torch.linspace(0, 0.5, 64)]).view(1, 2, 1, 8, 8)
        alone = Scale()(guess(x[:, 1:]), scene()).item()
        assert Scale()(guess(x), scene()).item() == pytest.approx(alone / 2, rel=1e-3)

    def test_energy_is_the_norm_around_grey(self) -> None:
        x = torch.full((2, 1, 3, 4, 4), 0.5)
        x[1] += 0.25
        assert Energy()(guess(x), scene()).tolist() == pytest.approx([0, 0.25 * sqrt(48)], abs=1e-6)


class TestBatchStatistics:
    model = build(MODELS["convnet"](), (3, 16, 16), 5, seed=0).train()
    x = pictures(2, 2, 3, 16, 16)

    def test_the_batch_itself_costs_nothing_when_its_statistics_are_told(self) -> None:
        told = statistics(self.model, self.x[0], {})
        found = BatchStatistics()(guess(self.x), scene(self.model, told))
        assert found[0].item() == pytest.approx(0, abs=1e-5)
        assert found[1] > 0.1

    def test_inferred_ones_are_as_good_up_to_rounding_and_stored_ones_are_not(self) -> None:
        """Running statistics near 1 are rounded by 6e-8 and divided by the momentum, in some 400 channels."""
        near = BatchStatistics()(guess(self.x), scene(self.model, inferred(self.model, self.x[0], {})))[0]
        far = BatchStatistics()(guess(self.x), scene(self.model))[0]
        assert near < 1e-4 < far

    def test_without_them_it_is_the_distance_to_the_running_ones(self) -> None:
        slow = 0.0  # running ones are still 0 and 1, and running variances are unbiased
        for mean, variance in statistics(self.model, self.x[1], {}, correction=1).values():
            slow += (mean.norm() + (variance - 1).norm()).item()
        found = BatchStatistics()(guess(self.x), scene(self.model))
        assert found[1].item() == pytest.approx(slow, rel=1e-4)

    def test_the_draws_of_the_guess_count(self) -> None:
        model = DEFENCES["dropout"](p=0.5, place="inside").harden(self.model)
        draws = draw_latents(model, self.x[0], ClientStep(), torch.Generator().manual_seed(0))
        told = statistics(model, self.x[0], {k: v[0] for k, v in draws.items()})
        right = {k: v.expand(2, *v.shape) for k, v in draws.items()}
        assert BatchStatistics()(guess(self.x, **right), scene(model, told))[0].item() < 1e-4
        assert BatchStatistics()(guess(self.x), scene(model, told))[0].item() > 0.1


class TestKeepRate:
    model = DEFENCES["dropout"](p=0.25, place="both").harden(build(MODELS["lenet"](), (3, 16, 16), 5, seed=0))

    def masks(self, value: float) -> dict[str, Tensor]:
        """Every mask at one value in [0, 1], in the units of the draws, for two restarts."""
        x = pictures(2, 3, 16, 16)
        draws = draw_latents(self.model, x, ClientStep(), torch.Generator().manual_seed(0))
        return {k: torch.full((2, *d.shape), value / 0.75) for k, d in draws.items()}

    @pytest.mark.parametrize("value", [0.0, 0.5, 0.75, 1.0])
    def test_it_is_the_gap_between_what_is_kept_and_what_should_be(self, value: float) -> None:
        found = KeepRate()(guess(pictures(2, 2, 3, 16, 16), **self.masks(value)), scene(self.model))
        assert found.tolist() == pytest.approx([3 * abs(value - 0.75)] * 2, abs=1e-5)

    def test_each_seed_answers_for_its_own_masks(self) -> None:
        masks = {k: torch.stack([m[0], 0 * m[1]]) for k, m in self.masks(0.75).items()}
        found = KeepRate()(guess(pictures(2, 2, 3, 16, 16), **masks), scene(self.model))
        assert found.tolist() == pytest.approx([0, 3 * 0.75], abs=1e-5)

    def test_without_masks_to_solve_for_it_is_zero(self) -> None:
        assert KeepRate()(guess(pictures(2, 2, 3, 16, 16)), scene(self.model)).tolist() == [0, 0]


@pytest.mark.contract
@pytest.mark.parametrize("stance", STANCES)
@pytest.mark.parametrize("prior", PRIORS)
def test_each_prior_alone_runs_whether_or_not_there_is_anything_for_it_to_pull_at(prior: str, stance: str) -> None:
    recipe = replace(RECIPES["idlg"], priors=(PRIORS[prior](),), stance=STANCES[stance](), steps=2)
    for defences in ((), (DEFENCES["dropout"](),)):
        experiment = Experiment(model=MODELS["convnet"](), size=16, attack=recipe, defences=defences)
        assert [event.iteration for event in run(experiment) if isinstance(event, Finished)] == [2]
