"""Distances, priors, labels and optimisers against closed forms and slow recomputation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.distances import DISTANCES, Absolute, Cosine, Squared
from gradleak_core.attacks.parts.labels import BiasRule, InstanceWise, RowMinimum, RowSum
from gradleak_core.attacks.parts.optimisers import LBFGS, OPTIMISERS, Adam, Found, Search
from gradleak_core.attacks.parts.priors import Box, TotalVariation
from gradleak_core.attacks.parts.stances import Ignore
from gradleak_core.attacks.parts.unknowns import Pixels, Space
from gradleak_core.client import observe
from gradleak_core.models import MODELS, build
from gradleak_core.types import Candidate, ClientStep, Observation, Secret
from gradleak_core.updates import Observed


def updates() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    seen = {"a": torch.randn(4, 3, generator=generator), "b": torch.randn(4, generator=generator)}
    return {k: torch.randn(2, *v.shape, generator=generator) for k, v in seen.items()}, seen


def flat(update: dict[str, Tensor]) -> Tensor:
    return torch.cat([v.flatten() for v in update.values()])


GUESS, SEEN = updates()
ROWS = torch.stack([flat({k: v[s] for k, v in GUESS.items()}) for s in range(2)])


class TestDistances:
    def test_squared(self) -> None:
        torch.testing.assert_close(Squared().to(Observed(SEEN))(GUESS), ((ROWS - flat(SEEN)) ** 2).sum(1))

    def test_absolute(self) -> None:
        torch.testing.assert_close(Absolute().to(Observed(SEEN))(GUESS), (ROWS - flat(SEEN)).abs().sum(1))

    def test_cosine_is_of_the_whole_update(self) -> None:
        expected = 1 - torch.cosine_similarity(ROWS, flat(SEEN)[None])
        torch.testing.assert_close(Cosine().to(Observed(SEEN))(GUESS), expected)

    def test_cosine_ignores_the_length(self) -> None:
        longer = {k: 7 * v for k, v in GUESS.items()}
        torch.testing.assert_close(Cosine().to(Observed(SEEN))(longer), Cosine().to(Observed(SEEN))(GUESS))

    @pytest.mark.parametrize("kind", DISTANCES)
    def test_the_slope_is_that_of_small_differences(self, kind: str) -> None:
        measure = DISTANCES[kind]().to(Observed({k: v.double() for k, v in SEEN.items()}))
        inputs = [v.double().requires_grad_() for v in GUESS.values()]
        assert torch.autograd.gradcheck(lambda *rows: measure(dict(zip(SEEN, rows, strict=True))), inputs)

    @pytest.mark.parametrize("kind", DISTANCES)
    def test_the_truth_is_at_distance_zero(self, kind: str) -> None:
        truth = {k: v[None] for k, v in SEEN.items()}
        assert DISTANCES[kind]().to(Observed(SEEN))(truth).item() == pytest.approx(0, abs=1e-6)
        assert (DISTANCES[kind]().to(Observed(SEEN))(GUESS) > 0.01).all()


class TestPriors:
    def candidate(self, images: Tensor) -> Candidate:
        return Candidate(images[None, None], torch.ones(1, 1, 2), {})

    def test_total_variation_of_a_ramp_is_its_slope(self) -> None:
        ramp = torch.linspace(0, 0.7, 8).expand(1, 8, 8)
        assert TotalVariation(1.0)(self.candidate(ramp), None).item() == pytest.approx(0.1, rel=1e-5)

    def test_total_variation_of_a_checkerboard_is_two(self) -> None:
        board = (torch.arange(6)[:, None] + torch.arange(6)) % 2
        assert TotalVariation(1.0)(self.candidate(board[None].float()), None).item() == pytest.approx(2)

    def test_box_is_zero_inside_and_grows_outside(self) -> None:
        assert Box()(self.candidate(torch.rand(3, 4, 4)), None).item() == 0
        assert Box()(self.candidate(torch.full((3, 4, 4), 1.5)), None).item() == pytest.approx(0.25)


def observed(
    labels: list[int], kind: str = "lenet", seed: int = 0, epochs: int = 1
) -> tuple[torch.nn.Module, Observation]:
    shape, classes = (3, 16, 16), 10
    model = build(MODELS[kind](), shape, classes, seed=seed)
    images = torch.rand(len(labels), *shape, generator=torch.Generator().manual_seed(seed))
    secret = Secret(images, torch.tensor(labels), {})
    step = ClientStep(local_epochs=epochs, lr=0.001)
    return model, observe(model, secret, step, (), classes=classes, seed=0)


class TestLabels:
    @pytest.mark.parametrize("rule", [RowSum(), RowMinimum(), BiasRule(), InstanceWise()])
    @pytest.mark.parametrize("seed", range(8))
    def test_one_label_is_read_off_any_network(self, rule: RowSum, seed: int) -> None:
        assert rule.read(*observed([seed % 10], seed=seed)).tolist() == [seed % 10]

    @pytest.mark.parametrize("kind", ["convnet", "mlp"])
    def test_a_batch_of_different_labels(self, kind: str) -> None:
        labels = [1, 4, 7, 9]
        assert sorted(RowMinimum().read(*observed(labels, kind, seed=3)).tolist()) == labels
        assert sorted(BiasRule().read(*observed(labels, kind, seed=3)).tolist()) == labels

    def test_the_bias_rule_counts_repeats_and_row_minimum_cannot(self) -> None:
        labels = [2, 2, 2, 5]
        seen = observed(labels, "convnet", seed=1)
        assert sorted(BiasRule().read(*seen).tolist()) == labels
        assert sorted(RowMinimum().read(*seen).tolist()) != labels

    def test_the_bias_rule_counts_over_several_local_steps(self) -> None:
        assert sorted(BiasRule().read(*observed([3, 3, 8], "convnet", seed=2, epochs=3)).tolist()) == [3, 3, 8]


def moved(search: Search, z: Tensor, loss: Tensor, grad: Tensor, rate: float, noise: Tensor | None = None) -> Tensor:
    """The next point under an objective that is always the same; the search keeps its new state."""
    noise = z[:, :0] if noise is None else noise
    found = Found(loss, grad, loss, grad, lambda z, distance, distance_grad: (distance, distance_grad))
    z, *state = search.move(z, found, torch.tensor(rate), noise, *search.state)
    search.state = tuple(state)
    return z


def minimise(optimiser: object, z: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Rosenbrock's valley, one a row; the losses on the way and the last point."""
    search = optimiser.start(z)  # type: ignore[attr-defined]
    losses = []
    for i in range(steps):
        z = z.detach().requires_grad_()
        loss = 100 * (z[:, 1] - z[:, 0] ** 2) ** 2 + (1 - z[:, 0]) ** 2
        (grad,) = torch.autograd.grad(loss.sum(), z)
        losses.append(loss.detach())
        z = moved(search, z.detach(), loss.detach(), grad, optimiser.rate(i / steps))  # type: ignore[attr-defined]
    return torch.stack(losses), z


class TestOptimisers:
    starts = torch.tensor([[-1.2, 1.0], [2.0, 2.0], [0.0, -1.0]], dtype=torch.float64)

    def test_lbfgs_reaches_the_bottom_of_rosenbrocks_valley(self) -> None:
        losses, _ = minimise(LBFGS(history=10), self.starts, 120)
        assert losses.amin(0).max() < 1e-12

    @pytest.mark.parametrize("history", [1, 3, 10])
    def test_lbfgs_steps_as_torchs_does_on_a_quadratic(self, history: int) -> None:
        """With exact curvature and full steps accepted, both follow the same points."""
        scale = torch.tensor([1.0, 2.0, 4.0, 8.0], dtype=torch.float64)
        start = torch.ones(1, 4, dtype=torch.float64)
        z, points = start.clone(), []
        search = LBFGS(lr=1.0, history=history).start(z)
        for _ in range(8):
            points.append(z.clone())
            z = moved(search, z, 0.5 * (scale * z * z).sum(1), scale * z, 1.0)
        theirs = start.clone().requires_grad_()
        reference = torch.optim.LBFGS([theirs], lr=1.0, max_iter=1, history_size=history)

        def closure() -> Tensor:
            reference.zero_grad()
            loss = 0.5 * (scale * theirs * theirs).sum()
            loss.backward()
            return loss

        for point in points:
            torch.testing.assert_close(theirs.detach(), point, rtol=1e-8, atol=1e-10)
            reference.step(closure)

    def test_adam_is_torchs_adam(self) -> None:
        z = self.starts.clone()
        theirs = self.starts.clone().requires_grad_()
        reference = torch.optim.Adam([theirs], lr=0.05)
        search = Adam(lr=0.05, schedule="constant").start(z)
        for _ in range(30):
            torch.testing.assert_close(z, theirs.detach())
            grad = torch.cos(3 * z) + z
            z = moved(search, z, z.sum(1), grad, 0.05)
            theirs.grad = grad.clone()
            reference.step()

    def test_the_step_schedule_falls_by_ten_three_times(self) -> None:
        rates = [Adam(lr=1.0, schedule="steps").rate(done) for done in (0, 0.3, 0.4, 0.7, 0.9)]
        assert rates == pytest.approx([1, 1, 0.1, 0.01, 0.001])

    @pytest.mark.parametrize("kind", OPTIMISERS)
    def test_rows_do_not_disturb_each_other(self, kind: str) -> None:
        together, _ = minimise(OPTIMISERS[kind](), self.starts, 25)
        for s in range(3):
            alone, _ = minimise(OPTIMISERS[kind](), self.starts[s : s + 1], 25)
            torch.testing.assert_close(together[:, s], alone[:, 0], rtol=1e-6, atol=1e-9)

    @pytest.mark.parametrize("kind", OPTIMISERS)
    def test_a_row_that_explodes_is_lost_and_can_start_anew(self, kind: str) -> None:
        search = OPTIMISERS[kind]().start(self.starts)
        good = torch.ones(3, dtype=torch.float64)
        z = moved(search, self.starts, good, self.starts, 0.1)
        for _ in range(60):
            z = moved(search, z, torch.tensor([0.5, torch.nan, 0.5], dtype=torch.float64), torch.zeros_like(z), 0.1)
        assert search.lost()[1]
        search.forget(torch.tensor([False, True, False]))
        moved(search, self.starts, good, self.starts, 0.1)
        assert not search.lost()[1]


def test_z_holds_pixels_then_label_logits() -> None:
    _, observation = observed([1, 2])
    space = Space((Pixels(),), None, observation, Ignore(), nn.Identity(), torch.Generator())
    z = space.start(3, torch.Generator().manual_seed(0))
    guess = space.candidate(z)
    assert guess.images.shape == (3, 2, 3, 16, 16)
    assert guess.labels.shape == (3, 2, 10)
    torch.testing.assert_close(guess.labels.sum(-1), torch.ones(3, 2))
    assert z.shape == (3, 2 * 3 * 16 * 16 + 2 * 10)


def test_boxed_pixels_are_clamped_and_signed_gradients_are_signs() -> None:
    pixels = Pixels(signed=True, boxed=True)
    space = Space((pixels,), None, observed([1])[1], Ignore(), nn.Identity(), torch.Generator())
    z = space.project(torch.full((1, space.size), 5.0))
    assert z[:, :768].unique().tolist() == [1.0]
    assert z[:, 768:].unique().tolist() == [5.0]
    grad = space.sign(torch.full((1, space.size), -0.3))
    assert grad[:, :768].unique().tolist() == [-1.0]
    assert grad[:, 768:].unique().tolist() == pytest.approx([-0.3])


class TestLangevinAdam:
    @pytest.mark.parametrize("schedule", ["constant", "cosine", "steps"])
    def test_the_step_size_rises_in_a_straight_line_and_then_follows_its_schedule(self, schedule: str) -> None:
        warm = Adam(lr=0.4, schedule=schedule, warm_up=0.2)  # type: ignore[arg-type]
        plain = Adam(lr=0.4, schedule=schedule)  # type: ignore[arg-type]
        assert [warm.rate(done) for done in (0, 0.05, 0.1)] == pytest.approx([0, 0.1, 0.2])
        for done in (0.2, 0.4, 0.7, 1.0):
            assert warm.rate(done) == plain.rate(done)

    def test_noise_is_added_after_the_step_in_step_sizes(self) -> None:
        """Against plain Adam by hand: bias-corrected moments, then rate times noise times N(0, 1)."""
        z = torch.zeros(2, 5)
        grads = torch.randn(6, 2, 5, generator=torch.Generator().manual_seed(0))
        adam, drawn = Adam(lr=0.3, schedule="constant", warm_up=0.5, noise=0.2), torch.Generator().manual_seed(7)
        search = adam.start(z)
        noise = torch.Generator().manual_seed(7)
        expected, mean, square = z.clone(), torch.zeros_like(z), torch.zeros_like(z)
        for t, grad in enumerate(grads, start=1):
            mean, square = 0.9 * mean + 0.1 * grad, 0.999 * square + 0.001 * grad**2
            rate = 0.3 * min(1, t / 6 / 0.5)
            step = (mean / (1 - 0.9**t)) / ((square / (1 - 0.999**t)).sqrt() + 1e-8)
            expected = expected - rate * step + rate * 0.2 * torch.randn(2, 5, generator=noise)
            z = moved(search, z, torch.ones(2), grad, adam.rate(t / 6), adam.drawn(z, drawn))
            torch.testing.assert_close(z, expected, rtol=1e-4, atol=1e-5)

    def test_without_noise_the_generator_is_not_asked(self) -> None:
        generator = torch.Generator().manual_seed(7)
        before = generator.get_state()
        assert Adam().drawn(torch.zeros(1, 3), generator).shape == (1, 0)
        assert torch.equal(before, generator.get_state())
