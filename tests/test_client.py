"""The client's update against plain autograd and SGD written out by hand."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core.client import draw_latents, local_update, observe
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS, build
from gradleak_core.models.layers import stochastic
from gradleak_core.speed.quick import batched_update
from gradleak_core.types import Candidate, ClientStep, Secret

SHAPE, CLASSES = (3, 16, 16), 5


def batch(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (count,), generator=generator)
    return torch.rand(count, *SHAPE, generator=generator), F.one_hot(labels, CLASSES).float()


def sgd(model: nn.Module, x: Tensor, y: Tensor, step: ClientStep) -> dict[str, Tensor]:
    """(start - end) / lr of torch's own SGD on a copy of the model."""
    trained = deepcopy(model)
    optimiser = torch.optim.SGD(trained.parameters(), lr=step.lr)
    size = step.local_batch or len(x)
    for _ in range(step.local_epochs):
        for i in range(0, len(x), size):
            optimiser.zero_grad()
            F.cross_entropy(trained(x[i : i + size]), y[i : i + size].argmax(1)).backward()
            optimiser.step()
    return {
        name: (start.detach() - end.detach()) / step.lr
        for (name, start), end in zip(model.named_parameters(), trained.parameters(), strict=True)
    }


@pytest.mark.parametrize("kind", ["lenet", "convnet", "mlp"])
def test_one_step_is_the_plain_gradient(kind: str) -> None:
    model = build(MODELS[kind](), SHAPE, CLASSES, seed=3)
    x, y = batch(4)
    loss = F.cross_entropy(model(x), y.argmax(1))
    expected = torch.autograd.grad(loss, list(model.parameters()))
    update = local_update(model, x, y, {}, ClientStep())
    for got, want in zip(update.values(), expected, strict=True):
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize(
    "step", [ClientStep(local_epochs=3, lr=0.05), ClientStep(2, 2, 0.1), ClientStep(1, 3, 0.2), ClientStep(2, 1, 0.01)]
)
def test_federated_averaging_is_sgd_by_hand(step: ClientStep) -> None:
    model = build(MODELS["lenet"](), SHAPE, CLASSES, seed=4)
    x, y = batch(4, seed=1)
    update = local_update(model, x, y, {}, step)
    for name, expected in sgd(model, x, y, step).items():
        torch.testing.assert_close(update[name], expected, rtol=1e-3, atol=1e-5)


def test_the_number_of_local_steps_counts_the_last_incomplete_batch() -> None:
    assert ClientStep(local_epochs=2, local_batch=3).steps(4) == 4
    assert ClientStep().steps(16) == 1


@pytest.mark.parametrize("step", [ClientStep(), ClientStep(local_epochs=2, local_batch=1, lr=0.1)])
def test_seeds_together_equal_seeds_in_turn(step: ClientStep) -> None:
    model = build(MODELS["lenet"](), SHAPE, CLASSES, seed=5)
    pairs = [batch(2, seed=s) for s in range(3)]
    x, y = (torch.stack(values) for values in zip(*pairs, strict=True))
    together = batched_update(model, Candidate(x, y, {}), step, start=dict(model.named_parameters()))
    for s in range(3):
        alone = local_update(model, *pairs[s], {}, step)
        for name in alone:
            torch.testing.assert_close(together[name][s], alone[name], rtol=1e-4, atol=1e-6)


def test_the_graph_leads_back_to_the_image_through_several_steps() -> None:
    model = build(MODELS["lenet"](), SHAPE, CLASSES, seed=6).double()
    x, y = batch(1)
    x, y = x[..., :16, :16].double().requires_grad_(), y.double()
    step = ClientStep(local_epochs=2, lr=0.1)

    def length(image: Tensor) -> Tensor:
        update = local_update(model, image, y, {}, step, differentiable=True)
        return torch.stack([g.square().sum() for g in update.values()]).sum()

    (slope,) = torch.autograd.grad(length(x), x)
    nudge = torch.zeros_like(x)
    nudge[0, 1, 4, 7] = 1e-5
    numeric = (length(x.detach() + nudge) - length(x.detach() - nudge)) / 2e-5
    assert slope[0, 1, 4, 7].item() == pytest.approx(numeric.item(), rel=1e-4)


def test_the_model_is_left_as_it_was() -> None:
    model = build(MODELS["convnet"](), SHAPE, CLASSES, seed=7).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    local_update(model, *batch(3), {}, ClientStep(local_epochs=2))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_train_mode_uses_the_statistics_of_the_batch() -> None:
    model = build(MODELS["convnet"](), SHAPE, CLASSES, seed=8)
    x, y = batch(4)
    stored = local_update(model.eval(), x, y, {}, ClientStep())["conv1.weight"]
    own = local_update(model.train(), x, y, {}, ClientStep())["conv1.weight"]
    assert not torch.allclose(stored, own)


class TestDropout:
    model = DEFENCES["dropout"](p=0.5, place="both").harden(build(MODELS["lenet"](), SHAPE, CLASSES, seed=9))

    def test_each_local_step_has_its_own_draw(self) -> None:
        x, _ = batch(2)
        step = ClientStep(local_epochs=3)
        latents = draw_latents(self.model, x, step, torch.Generator().manual_seed(1))
        assert set(latents) == {name for name, _ in stochastic(self.model)}
        for draw in latents.values():
            assert draw.shape[:2] == (3, 2)
            assert set(draw.unique().tolist()) == {0.0, 2.0}
            assert not torch.equal(draw[0], draw[1])

    def test_a_draw_changes_the_update_and_the_same_draw_repeats_it(self) -> None:
        x, y = batch(2)
        draws = [draw_latents(self.model, x, ClientStep(), torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
        first, same, other = (local_update(self.model, x, y, d, ClientStep())["conv1.weight"] for d in draws)
        assert torch.equal(first, same)
        assert not torch.allclose(first, other)

    def test_seeds_can_carry_their_own_draws(self) -> None:
        x, y = batch(2)
        draws = [draw_latents(self.model, x, ClientStep(2), torch.Generator().manual_seed(s)) for s in (1, 2)]
        stacked = {name: torch.stack([d[name] for d in draws]) for name in draws[0]}
        guess = Candidate(torch.stack([x, x]), torch.stack([y, y]), stacked)
        together = batched_update(self.model, guess, ClientStep(2), start=dict(self.model.named_parameters()))
        for s, draw in enumerate(draws):
            alone = local_update(self.model, x, y, draw, ClientStep(2))
            for name in alone:
                torch.testing.assert_close(together[name][s], alone[name], rtol=1e-4, atol=1e-6)

    def test_no_hook_is_left_behind_after_a_failure(self) -> None:
        with pytest.raises(RuntimeError):
            draw_latents(self.model, torch.rand(1, 1, 5, 5), ClientStep(), torch.Generator())
        assert all(not layer._forward_hooks for _, layer in stochastic(self.model))


def test_labels_are_revealed_only_when_the_threat_model_says_so() -> None:
    model = build(MODELS["lenet"](), SHAPE, CLASSES, seed=1)
    x, y = batch(2)
    secret = Secret(x, y.argmax(1), {})
    known = observe(model, secret, ClientStep(), (), classes=CLASSES, told=["labels"], seed=0)
    hidden = observe(model, secret, ClientStep(), (), classes=CLASSES, seed=0)
    assert known.labels is not None
    assert known.labels.tolist() == y.argmax(1).tolist()
    assert hidden.labels is None


def test_clipping_each_image_bounds_what_one_image_can_add() -> None:
    model = build(MODELS["lenet"](), SHAPE, CLASSES, seed=1)
    x, y = batch(3)
    defence = DEFENCES["clipping"](norm=0.01, each_example=True)
    secret = Secret(x, y.argmax(1), {})
    update = observe(model, secret, ClientStep(), (defence,), classes=CLASSES, seed=0).update
    expected = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for i in range(3):
        one = local_update(model, x[i : i + 1], y[i : i + 1], {}, ClientStep())
        length = torch.cat([g.flatten() for g in one.values()]).norm()
        for name, g in one.items():
            expected[name] += g * min(1.0, 0.01 / length.item()) / 3
    for name in expected:
        torch.testing.assert_close(update[name], expected[name])
