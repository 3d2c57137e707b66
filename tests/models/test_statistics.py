"""Batch statistics against torch's own batch norm in train mode, and what can be inferred from its running ones."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from gradleak_core.client import draw_latents
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS, build
from gradleak_core.models.layers import BatchNorm2d
from gradleak_core.models.statistics import inferred, statistics, stored_statistics
from gradleak_core.types import ClientStep

KINDS = [kind for kind, model in MODELS.items() if "batch_norm" in model.facts]
EACH = pytest.mark.parametrize("kind", KINDS)


def network(kind: str, train: bool = True) -> nn.Module:
    """With running statistics that are not 0 and 1."""
    model = build(MODELS[kind](), (3, 40, 40), 5, seed=0).train(train)
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return model


def torchs_own(model: nn.Module) -> nn.Module:
    """A copy in which every batch norm is torch's, which updates its running statistics."""
    real = deepcopy(model)
    for name, module in list(real.named_modules()):
        if isinstance(module, BatchNorm2d):
            norm = nn.BatchNorm2d(module.num_features, module.eps, module.momentum)
            norm.load_state_dict(module.state_dict())
            real.set_submodule(name, norm.train(module.training))
    return real


X = torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(0))


@EACH
@pytest.mark.parametrize("train", [True, False])
def test_they_are_what_enters_each_batch_norm(kind: str, train: bool) -> None:
    model, entered = network(kind, train), {}
    real = torchs_own(model)
    for name, module in real.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _m, inputs, _out, name=name: entered.update({name: inputs[0]}))
    real(X)
    found = statistics(model, X, {})
    assert list(found) == list(entered)
    for name, h in entered.items():
        channels = h.transpose(0, 1).flatten(1)
        torch.testing.assert_close(found[name][0], channels.mean(1), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(found[name][1], channels.var(1, correction=0), rtol=1e-3, atol=1e-4)


def test_they_are_what_torchs_batch_norm_normalises_by() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), BatchNorm2d(4, affine=False)).train()
    mean, variance = statistics(layers, X, {})["1"]
    h = layers[0](X)
    own = nn.BatchNorm2d(4, affine=False).train()
    expected = (h - mean[:, None, None]) / (variance[:, None, None] + own.eps).sqrt()
    torch.testing.assert_close(own(h), expected, rtol=1e-4, atol=1e-5)


@EACH
def test_inferred_are_those_behind_real_running_statistics(kind: str) -> None:
    """Torch's running variance is unbiased; what it normalises by, and so what is inferred, is not."""
    model = network(kind)
    real = torchs_own(model)
    before = {name: (m.running_mean.clone(), m.running_var.clone()) for name, m in norms(real)}
    real(X)
    found = inferred(model, X, {})
    count = {name: h.numel() // h.shape[1] for name, h in inputs(model).items()}
    for name, module in norms(real):
        m, (mean, variance) = module.momentum, before[name]
        expected = (module.running_mean - (1 - m) * mean) / m, (module.running_var - (1 - m) * variance) / m
        torch.testing.assert_close(found[name][0], expected[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(found[name][1], expected[1] * (1 - 1 / count[name]), rtol=1e-3, atol=1e-3)


@EACH
@pytest.mark.parametrize("train", [True, False])
def test_inferred_are_the_statistics_of_train_mode(kind: str, train: bool) -> None:
    """To the rounding of the running ones, 1e-7 of 2, over the momentum of 0.1."""
    model = network(kind, train)
    found = inferred(model, X, {})
    for name, pair in statistics(model, X, {}, train=True).items():
        for got, want in zip(found[name], pair, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


@EACH
def test_the_mode_can_be_asked_for_and_the_model_keeps_its_own(kind: str) -> None:
    model = network(kind, train=False)
    train, own = statistics(model, X, {}, train=True), statistics(model, X, {})
    assert not any(module.training for module in model.modules())
    assert not torch.allclose(list(train.values())[-1][1], list(own.values())[-1][1], rtol=0.1)
    for name, pair in statistics(network(kind, train=True), X, {}).items():
        assert all(torch.equal(got, want) for got, want in zip(train[name], pair, strict=True))


def test_the_variance_of_a_single_value_is_zero() -> None:
    layers = nn.Sequential(BatchNorm2d(3)).eval()
    for correction in (0, 1):
        mean, variance = statistics(layers, X[:1, :, :1, :1], {}, correction=correction)["0"]
        assert torch.equal(mean, X[0, :, 0, 0])
        assert torch.equal(variance, torch.zeros(3))


@EACH
def test_looking_leaves_the_model_and_its_hooks_as_they_were(kind: str) -> None:
    model = network(kind)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    statistics(model, X, {})
    inferred(model, X, {})
    with pytest.raises(RuntimeError):
        statistics(model, torch.rand(1, 7, 5, 5), {})
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(not m._forward_pre_hooks for m in model.modules())
    assert list(stored_statistics(model)) == list(statistics(model, X, {}))


def test_the_draws_of_dropout_count() -> None:
    model = DEFENCES["dropout"](p=0.5, place="inside").harden(network("resnet20"))
    draws = draw_latents(model, X, ClientStep(), torch.Generator().manual_seed(0))
    one = {k: v[0] for k, v in draws.items()}
    plain, dropped = statistics(model, X, {}), statistics(model, X, one)
    assert torch.equal(plain["norm"][0], dropped["norm"][0])
    assert not torch.allclose(plain["stage1.0.norm1"][0], dropped["stage1.0.norm1"][0])


def test_the_graph_leads_back_to_the_pictures() -> None:
    x = X.clone().requires_grad_()
    total = torch.stack([v.sum() for pair in statistics(network("convnet"), x, {}).values() for v in pair]).sum()
    (slope,) = torch.autograd.grad(total, x)
    assert (slope != 0).any()


def norms(model: nn.Module) -> list[tuple[str, nn.BatchNorm2d]]:
    return [(name, m) for name, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]


def inputs(model: nn.Module) -> dict[str, Tensor]:
    """What enters each batch norm of a network in train mode."""
    entered: dict[str, Tensor] = {}
    hooks = [
        m.register_forward_pre_hook(lambda _m, args, name=name: entered.update({name: args[0]}))
        for name, m in norms(model)
    ]
    model(X)
    for hook in hooks:
        hook.remove()
    return entered
