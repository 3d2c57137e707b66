"""Gradients in factors, against the same gradients multiplied out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.distances import Cosine
from gradleak_core.client import draw_latents, local_update, parameters
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS, build
from gradleak_core.speed import factored
from gradleak_core.speed.factored import FactoredGradient, Probes, factored_update, find_probes
from gradleak_core.speed.pieces import LaidOut
from gradleak_core.types import Candidate, ClientStep, Latents, Update

pytestmark = pytest.mark.contract

SEEDS, CLASSES = 3, 7


class Odd(nn.Module):
    """Convolutions with stride, dilation, padding and a bias, one in groups, one used twice, one mostly on padding."""

    def __init__(self) -> None:
        super().__init__()
        self.strided = nn.Conv2d(3, 8, (5, 3), (2, 3), (1, 2), bias=True)
        self.dilated = nn.Conv2d(8, 8, 3, dilation=2, padding=1, bias=False)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.twice = nn.Conv2d(8, 8, 3, padding=1)
        self.corner = nn.Conv2d(8, 8, 3, 2, padding=1)
        self.tokens = nn.Linear(8, 12)
        self.classifier = nn.Linear(12, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.grouped(self.dilated(self.strided(x).tanh()).tanh()).tanh()
        h = self.twice(self.twice(h).tanh()).tanh()
        h = h + self.corner(nn.functional.adaptive_avg_pool2d(h, 2)).tanh()
        out: Tensor = self.classifier(self.tokens(h.flatten(2).mT).tanh().mean(1))
        return out


@pytest.fixture(params=["mlp", "resnet18", "vit", "odd", "precode"])
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A double-precision model all of whose layers count as large, with few rows."""
    monkeypatch.setattr(factored, "FACTORED_FROM", 1)
    monkeypatch.setattr(factored, "cheap", lambda y, weight: True)
    if request.param == "odd":
        torch.manual_seed(1)
        return Odd().double()
    kind = "mlp" if request.param == "precode" else request.param
    network = build(MODELS[kind](), (3, 32, 32), CLASSES, seed=11)
    if request.param == "precode":
        network = DEFENCES["precode"]().harden(network)
    return network.eval().double()


def batch(size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    x = torch.rand(SEEDS, size, 3, 32, 32, generator=generator, dtype=torch.float64)
    return x, torch.rand(SEEDS, size, CLASSES, generator=generator, dtype=torch.float64).softmax(-1)


def draws(model: nn.Module, x: Tensor) -> Latents:
    found = draw_latents(model, x, ClientStep(), torch.Generator().manual_seed(6))
    return {name: draw.double() for name, draw in found.items()}


def multiplied(update: Mapping[str, Tensor | FactoredGradient], like: Update) -> Update:
    return {k: whole(g, like[k]) if isinstance(g, FactoredGradient) else g for k, g in update.items()}


def whole(gradient: FactoredGradient, like: Tensor) -> Tensor:
    """Returns δᵀA (..., out, in) in the shape of `like`, zero in the places that see only padding."""
    product = gradient.backprops.mT @ gradient.activations
    if gradient.touched is None:
        return product.reshape(like.shape)
    found = torch.zeros_like(like).flatten(-2)
    found[..., gradient.touched] = product.reshape(*found.shape[:-1], -1)
    return found.reshape(like.shape)


def update_in_factors(
    model: nn.Module, x: Tensor, y: Tensor, latents: Latents, probes: Probes
) -> Mapping[str, Tensor | FactoredGradient]:
    """Returns the update of guesses x (S, ...) that all have the same draws (T, B, ...)."""
    guess = Candidate(x, y, {k: v.expand(len(x), *v.shape) for k, v in latents.items()})
    return factored_update(model, guess, probes, start=parameters(model))


@pytest.mark.parametrize("size", [1, 2])
def test_multiplied_out_they_are_the_update(model: nn.Module, size: int) -> None:
    x, y = batch(size)
    latents, probes = draws(model, x[0]), find_probes(model, x[0])
    plain = local_update(model, x[0], y[0], latents, ClientStep())
    found = update_in_factors(model, x[:1], y[:1], latents, probes)
    assert probes.zeros
    assert {k for k, g in found.items() if isinstance(g, FactoredGradient)} == set(probes.zeros)
    expected = {k: g[None] for k, g in plain.items()}
    torch.testing.assert_close(multiplied(found, expected), expected)


def test_seeds_together_are_seeds_in_turn(model: nn.Module) -> None:
    x, y = batch(2)
    latents = draws(model, x[0])
    each = [local_update(model, x[s], y[s], latents, ClientStep()) for s in range(SEEDS)]
    plain = {k: torch.stack([update[k] for update in each]) for k in each[0]}
    found = update_in_factors(model, x, y, latents, find_probes(model, x[0]))
    torch.testing.assert_close(multiplied(found, plain), plain)


def test_the_cosine_and_its_gradient_are_those_of_the_whole_update(model: nn.Module) -> None:
    x, y = batch(1)
    latents = draws(model, x[0])
    seen = local_update(model, x[1], y[1], latents, ClientStep())
    measure = Cosine().to(LaidOut(seen))
    values = []
    for probes in (Probes(), find_probes(model, x[0])):
        guess = x.clone().requires_grad_()
        update = update_in_factors(model, guess, y, latents, probes)
        distance = measure(update)
        values.append((distance.detach(), *torch.autograd.grad(distance.sum(), guess)))
    torch.testing.assert_close(values[0], values[1])
    assert values[1][0][1] < 1e-9


def test_layers_used_twice_or_in_groups_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factored, "FACTORED_FROM", 1)
    monkeypatch.setattr(factored, "cheap", lambda y, weight: True)
    probes = find_probes(Odd(), torch.rand(1, 3, 32, 32))
    assert set(probes.zeros) == {
        "strided.weight",
        "dilated.weight",
        "corner.weight",
        "tokens.weight",
        "classifier.weight",
    }
    assert {name: places.tolist() for name, places in probes.touched.items()} == {"corner.weight": [4, 5, 7, 8]}


@pytest.mark.parametrize(("kind", "some"), [("mlp", True), ("resnet18", True), ("lenet", False), ("convnet", False)])
def test_only_large_layers_with_few_rows_are_worth_it(kind: str, some: bool) -> None:
    network = build(MODELS[kind](), (3, 32, 32), CLASSES, seed=1).eval()
    probes = find_probes(network, torch.rand(1, 3, 32, 32))
    assert bool(probes.zeros) == some
    for name, zeros in probes.zeros.items():
        weight = network.get_parameter(name)
        assert zeros.shape[-1] == len(weight)
        assert zeros.numel() < weight.numel()
    assert not find_probes(network, torch.rand(1, 3, 32, 32).expand(600, -1, -1, -1)).zeros or kind != "mlp"
