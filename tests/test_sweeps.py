"""Updates and their derivatives by sweeps, against autograd's."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.distances import DISTANCES
from gradleak_core.client import local_update
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS, build
from gradleak_core.models.layers import BatchNorm2d
from gradleak_core.speed import factored
from gradleak_core.speed.pieces import LaidOut
from gradleak_core.speed.sweeps import SweptNetwork, sweep_network
from gradleak_core.types import ClientStep, Update

CLASSES = 7


def odd() -> nn.Module:
    """Rectangular kernels, strides and images, no biases, a pool that does not divide, layers before any weight."""
    return nn.Sequential(
        OrderedDict(
            act=nn.Tanh(),
            conv1=nn.Conv2d(3, 9, (5, 3), (2, 1), (1, 2), bias=False),
            act1=nn.Sigmoid(),
            conv2=nn.Conv2d(9, 10, (2, 3), (1, 2), (0, 1)),
            norm=BatchNorm2d(10),
            act2=nn.Tanh(),
            pool=nn.AdaptiveAvgPool2d(3),
            flatten=nn.Flatten(),
            hidden=nn.Linear(90, 11, bias=False),
            act3=nn.ReLU(),
            classifier=nn.Linear(11, CLASSES),
        )
    )


def network(name: str, **knobs: Any) -> nn.Module:
    """A network in double precision, with batch norms that change their inputs."""
    torch.manual_seed(3)
    built = odd() if name == "odd" else build(MODELS[name](**knobs), (3, 22, 22), CLASSES, seed=12)
    for layer in built.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            for values in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                values.uniform_(0.2, 2)
    return built.double().eval()


def batch(restarts: int, images: int) -> tuple[Tensor, Tensor]:
    """Images and weights of classes that do not add up to one."""
    generator = torch.Generator().manual_seed(8)
    x = torch.rand(restarts, images, 3, 22, 22, generator=generator, dtype=torch.float64)
    return x, torch.rand(restarts, images, CLASSES, generator=generator, dtype=torch.float64)


def swept(model: nn.Module) -> SweptNetwork:
    found = sweep_network(model, dict(model.named_parameters()))
    assert found is not None
    return found


def probe(update: Update) -> Tensor:
    """A number whose gradient in the update depends on the update."""
    generator = torch.Generator().manual_seed(9)
    weights = {k: torch.randn(g.shape[1:], generator=generator, dtype=g.dtype) for k, g in update.items()}
    return torch.stack([(update[k] * w).sum() ** 2 + (update[k] ** 3).sum() for k, w in weights.items()]).sum()


KNOWN = [
    ("lenet", {}),
    ("lenet", {"activation": "tanh"}),
    ("convnet", {}),
    ("convnet", {"activation": "sigmoid", "width": 5, "normalise": False}),
    ("mlp", {"width": 20, "activation": "tanh"}),
    ("mlp", {"width": 20, "bias": False}),
    ("odd", {}),
    ("resnet20", {}),
    ("resnet20", {"activation": "tanh"}),
]


@pytest.mark.contract
@pytest.mark.parametrize(("restarts", "images"), [(1, 1), (1, 3), (4, 1), (3, 2)])
@pytest.mark.parametrize(("name", "knobs"), KNOWN)
@pytest.mark.parametrize("large", [1, 2**17])
def test_updates_and_gradients_are_those_of_autograd(
    name: str, knobs: dict[str, Any], restarts: int, images: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factored, "FACTORED_FROM", large)
    model = network(name, **knobs)
    x, y = (tensor.requires_grad_() for tensor in batch(restarts, images))
    found = swept(model).update(x, y)
    alone = [local_update(model, x[s], y[s], {}, ClientStep(), differentiable=True) for s in range(restarts)]
    expected = {k: torch.stack([update[k] for update in alone]) for k in alone[0]}
    assert list(found) == list(expected)
    torch.testing.assert_close(dict(found), expected, rtol=1e-9, atol=1e-11)
    pulls = torch.autograd.grad(probe({**found}), (x, y))
    torch.testing.assert_close(pulls, torch.autograd.grad(probe(expected), (x, y)), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("name", ["lenet", "convnet", "odd", "resnet20", "edged"])
def test_in_single_precision_it_is_the_same_but_for_rounding(name: str, images: int) -> None:
    model, (x, y) = edged() if name == "edged" else network(name), batch(1, images)

    def found(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Update, Tensor]:
        update = dict(swept(model).update(x.requires_grad_(), y))
        return update, torch.autograd.grad(sum((g * g).sum() for g in update.values()), x)[0]

    (update, pull), (exact, exact_pull) = found(copy.deepcopy(model).float(), x.float(), y.float()), found(model, x, y)
    for key in exact:
        assert (update[key] - exact[key]).norm() < 1e-5 * exact[key].norm(), key
    assert (pull - exact_pull).norm() < 1e-4 * exact_pull.norm()


def edged() -> nn.Module:
    """Kernels narrower than the edges around their images."""
    torch.manual_seed(5)
    layers = nn.Conv2d(3, 9, 1, padding=2), nn.Tanh(), nn.Conv2d(9, 4, (3, 1), padding=1), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(4 * 26 * 28, CLASSES)).double()


def test_the_update_at_other_parameters_than_the_models_own() -> None:
    model, (x, y) = network("lenet"), batch(1, 2)
    theta = {k: p.detach() * 1.5 for k, p in model.named_parameters()}
    found = sweep_network(model, theta)
    assert found is not None
    expected = local_update(model, x[0], y[0], {}, ClientStep(), start=theta)
    torch.testing.assert_close({k: g[0] for k, g in found.update(x, y).items()}, expected)


def test_a_second_derivative_is_refused_and_not_wrong() -> None:
    model, (x, y) = network("lenet"), batch(1, 1)
    update = swept(model).update(x.requires_grad_(), y)
    (pull,) = torch.autograd.grad(probe({**update}), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"once_differentiable|not have been used"):
        torch.autograd.grad(pull.sum(), x)


@pytest.mark.parametrize("restarts", [1, 3])
@pytest.mark.parametrize(("name", "knobs"), [("convnet", {"activation": "tanh"}), ("odd", {}), ("resnet20", {})])
def test_batch_norm_in_train_mode_looks_at_each_seeds_own_batch(
    name: str, knobs: dict[str, Any], restarts: int
) -> None:
    model = network(name, **knobs).train()
    x, y = (tensor.requires_grad_() for tensor in batch(restarts, 2))
    found = swept(model).update(x, y)
    alone = [local_update(model, x[s], y[s], {}, ClientStep(), differentiable=True) for s in range(restarts)]
    expected = {k: torch.stack([update[k] for update in alone]) for k in alone[0]}
    torch.testing.assert_close(dict(found), expected, rtol=1e-8, atol=1e-10)
    pulls = torch.autograd.grad(probe({**found}), (x, y))
    torch.testing.assert_close(pulls, torch.autograd.grad(probe(expected), (x, y)), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["resnet18", "vit"])
def test_other_networks_are_not_known(name: str) -> None:
    model = network(name)
    assert sweep_network(model, dict(model.named_parameters())) is None


def test_layers_that_are_not_known_are_left_to_autograd() -> None:
    dilated = odd()
    dilated.conv2 = nn.Conv2d(9, 10, (2, 3), (1, 2), (0, 1), dilation=2)
    for model in (
        network("lenet", activation="gelu"),
        network("resnet20", activation="silu"),
        DEFENCES["dropout"]().harden(network("lenet")),
        DEFENCES["precode"]().harden(network("lenet")),
        dilated.eval(),
    ):
        assert sweep_network(model, dict(model.named_parameters())) is None


@pytest.mark.parametrize("large", [200, 2**17])
@pytest.mark.parametrize("name", DISTANCES)
def test_distances_of_an_update_lying_end_to_end_are_those_of_its_tensors(
    name: str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factored, "FACTORED_FROM", large)
    model, (x, y) = network("convnet", activation="tanh"), batch(3, 1)
    seen = {k: g[0].detach() for k, g in swept(model).update(x[:1] / 2, y[:1]).items()}
    measure, update = DISTANCES[name]().to(LaidOut(seen)), swept(model).update(x.requires_grad_(), y)
    ours, plain = measure(update), measure(dict(update))
    torch.testing.assert_close(ours, plain)
    pulls = (torch.autograd.grad(value.sum(), x, retain_graph=True) for value in (ours, plain))
    torch.testing.assert_close(*pulls)
