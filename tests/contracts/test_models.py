"""What every row of `MODELS` promises, over channels and sizes."""

from __future__ import annotations

import dataclasses
import typing

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gradleak_core.client import local_update
from gradleak_core.config.needs import FACTS, facts, unmet
from gradleak_core.experiment import CODEC, RULES, Experiment
from gradleak_core.models import MODELS, Model, build
from gradleak_core.models.layers import Slot
from gradleak_core.speed.quick import batched_update
from gradleak_core.types import Candidate, ClientStep, Knob

EACH = pytest.mark.parametrize("kind", MODELS)
CHANNELS = pytest.mark.parametrize("channels", [1, 3])
CLASSES = 7


def small(kind: str, channels: int = 3, size: int = 16, *, seed: int = 0) -> nn.Module:
    return build(MODELS[kind](), (channels, size, size), CLASSES, seed=seed)


def batch(channels: int = 3, size: int = 16, count: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, channels, size, size, generator=generator), torch.eye(CLASSES)[:count]


def known(model: Model, size: int) -> dict[str, float]:
    """The facts of the usual set-up with this model and size."""
    return facts(CODEC.encode(Experiment(model=model, size=size)), RULES)


def sizes(kind: str) -> list[int]:
    """The smallest and the largest size from 25 to 65 that the model says it reads, and an odd one if it reads any."""
    model = MODELS[kind]()
    read = [size for size in range(25, 66) if not unmet(model.needs, known(model, size))]
    return sorted({read[0], read[-1], *[size for size in read if size % 2][-1:]})


SIZED = pytest.mark.parametrize(("kind", "size"), [(kind, size) for kind in MODELS for size in sizes(kind)])


@EACH
def test_the_facts_that_it_states_are_true(kind: str) -> None:
    network, stated = small(kind), known(MODELS[kind](), 16)
    assert stated["batch_norm"] == any(isinstance(layer, _BatchNorm) for layer in network.modules())
    assert stated["relu"] == any(isinstance(layer, nn.ReLU) for layer in network.modules())
    assert stated["bias"] == (network.classifier.bias is not None)
    assert set(MODELS[kind].facts) <= set(FACTS)


@SIZED
@CHANNELS
def test_a_batch_becomes_logits(kind: str, channels: int, size: int) -> None:
    logits = small(kind, channels, size)(batch(channels, size)[0])
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()


@EACH
def test_images_of_a_batch_do_not_touch_in_eval_mode(kind: str) -> None:
    network, (x, _) = small(kind), batch()
    torch.testing.assert_close(network(x)[:1], network(x[:1]), atol=1e-5, rtol=1e-4)


@EACH
@CHANNELS
def test_the_match_has_a_gradient_for_every_pixel_region(kind: str, channels: int) -> None:
    """Double backward: the squared norm of the update depends on the image."""
    network, (x, y) = small(kind, channels), batch(channels)
    x.requires_grad_()
    update = local_update(network, x, y, {}, ClientStep(), differentiable=True)
    pull = torch.autograd.grad(sum(u.square().sum() for u in update.values()), x)[0]
    assert pull.isfinite().all()
    assert (pull.abs() > 0).float().mean() > 0.5


@EACH
def test_the_update_is_the_gradient_autograd_gives(kind: str) -> None:
    network, (x, y) = small(kind), batch()
    update = local_update(network, x, y, {}, ClientStep())
    nn.functional.cross_entropy(network(x), y).backward()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(update[name], parameter.grad, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.sweep] * (kind == "resnet18")) for kind in MODELS]
)
@pytest.mark.parametrize("train", [False, True])
def test_seeds_at_once_equal_seeds_one_by_one(kind: str, train: bool) -> None:
    size = 40 if kind == "resnet18" else 16  # below 33 its batch norm divides by the difference of two values
    network, (x, y) = small(kind, size=size).train(train).double(), batch(size=size, count=4)
    x, y = x.double().view(2, 2, *x.shape[1:]).requires_grad_(), y.double().view(2, 2, CLASSES)
    step, start = ClientStep(train=train), dict(network.named_parameters())
    both = batched_update(network, Candidate(x, y, {}), step, start=start)
    each = [local_update(network, x[i], y[i], {}, step, differentiable=True) for i in (0, 1)]
    alone = {k: torch.stack([update[k] for update in each]) for k in both}
    torch.testing.assert_close(both, alone, rtol=1e-6, atol=1e-9)
    generator = torch.Generator().manual_seed(3)
    cotangents = {k: torch.randn(g.shape, generator=generator, dtype=g.dtype) for k, g in both.items()}
    pulls = [torch.autograd.grad([u[k] for k in cotangents], x, [*cotangents.values()])[0] for u in (both, alone)]
    torch.testing.assert_close(*pulls, rtol=1e-5, atol=1e-7 * float(pulls[1].abs().max()))


@EACH
def test_the_seed_decides_the_weights_and_nothing_else_moves(kind: str) -> None:
    before = torch.get_rng_state()
    first, again, other = small(kind), small(kind), small(kind, seed=1)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


@EACH
def test_the_network_comes_in_eval_mode_and_keeps_its_buffers(kind: str) -> None:
    network, (x, y) = small(kind), batch()
    assert not network.training
    before = {name: b.clone() for name, b in network.named_buffers()}
    local_update(network.train(), x, y, {}, ClientStep(train=True))
    assert all(torch.equal(before[name], b) for name, b in network.named_buffers())


@EACH
def test_the_last_linear_layer_is_the_classifier(kind: str) -> None:
    network = small(kind)
    name, layer = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Linear)][-1]
    assert name == "classifier"
    assert layer.out_features == CLASSES
    assert list(network.named_parameters())[-1][0].startswith("classifier.")


@EACH
def test_a_defence_finds_its_places(kind: str) -> None:
    places = [m.place for m in small(kind).modules() if isinstance(m, Slot)]
    assert "inside" in places
    assert places[-1] == "before_classifier"
    assert places.count("before_classifier") == 1


@EACH
def test_what_stands_before_the_classifier_feeds_it(kind: str) -> None:
    network, seen = small(kind), []
    [slot] = [m for m in network.modules() if isinstance(m, Slot) and m.place == "before_classifier"]
    slot.register_forward_hook(lambda _m, _i, out: seen.append(out))
    logits = network(batch()[0])
    torch.testing.assert_close(network.classifier(seen[0]), logits)


@EACH
def test_needs_are_sentences(kind: str) -> None:
    needs = MODELS[kind].needs
    assert any(clause.fact in ("size", "patches") for need in needs for clause in need.any_of)
    for need in needs:
        assert need.why[0].isupper()
        assert need.why.endswith(".")
        assert len(need.why) > 40


@EACH
def test_every_field_is_a_knob_with_a_label_and_help(kind: str) -> None:
    model = MODELS[kind]
    hints = typing.get_type_hints(model, include_extras=True)
    for field in dataclasses.fields(model):  # type: ignore[arg-type]
        [knob] = [m for m in hints[field.name].__metadata__ if isinstance(m, Knob)]
        assert knob.label
        assert knob.help.endswith(".")
    assert model.title
    assert model.parallel_from >= 1
