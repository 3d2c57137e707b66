"""PRECODE and PPP: the bottleneck, its part of the loss, and which layers are perturbed."""

from __future__ import annotations

from math import log

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.func import functional_call

from gradleak_core.client import draw_latents, local_update
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.models import MODELS, build
from gradleak_core.models.layers import VariationalBottleneck, stochastic
from gradleak_core.speed.quick import batched_update
from gradleak_core.types import Candidate, ClientStep, Refused

SHAPE, CLASSES = (3, 16, 16), 5
X = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0))
Y = torch.eye(CLASSES)[:3]


def bottleneck(beta: float = 0.5) -> VariationalBottleneck:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return VariationalBottleneck(7, 4, beta)


def hardened(kind: str, defence: Defence) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return defence.harden(build(MODELS[kind](), SHAPE, CLASSES, seed=1))


def encoded(layer: VariationalBottleneck, h: Tensor) -> tuple[Tensor, Tensor]:
    mean, spread = layer.encoder(h).chunk(2, 1)
    return mean, F.softplus(spread)


class TestBottleneck:
    h = torch.randn(3, 7, generator=torch.Generator().manual_seed(1))

    def test_left_alone_it_decodes_the_mean(self) -> None:
        layer = bottleneck()
        torch.testing.assert_close(layer(self.h), layer.decoder(encoded(layer, self.h)[0]))

    def test_a_draw_moves_the_code_by_its_deviation(self) -> None:
        layer = bottleneck()
        noise = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
        mean, sigma = encoded(layer, self.h)
        got = functional_call(layer, {"draw": noise}, (self.h,))
        torch.testing.assert_close(got, layer.decoder(mean + noise * sigma))

    def test_the_penalty_is_torchs_divergence_in_bits(self) -> None:
        layer = bottleneck(beta=0.5)
        layer(self.h)
        mean, sigma = encoded(layer, self.h)
        nats = kl_divergence(Normal(mean, sigma), Normal(0.0, 1.0)).sum(1).mean()
        torch.testing.assert_close(layer.penalty, 0.5 * nats / log(2))

    def test_the_penalty_of_a_code_without_spread_is_finite_and_so_is_its_slope(self) -> None:
        """In double precision softplus(-300) does not underflow yet, so that torch's own divergence is the measure."""
        layer = bottleneck(beta=0.5)
        layer.encoder.bias.data[4:] = torch.tensor([-50.0, -104.0, -200.0, -300.0])
        layer(self.h)
        assert layer.penalty is not None
        (slope,) = torch.autograd.grad(layer.penalty, layer.encoder.bias)
        exact = bottleneck(beta=0.5).double()
        exact.load_state_dict(layer.state_dict())
        mean, sigma = encoded(exact, self.h.double())
        nats = kl_divergence(Normal(mean, sigma), Normal(0.0, 1.0)).sum(1).mean()
        (expected,) = torch.autograd.grad(0.5 * nats / log(2), exact.encoder.bias)
        torch.testing.assert_close(layer.penalty.double(), 0.5 * nats / log(2))
        torch.testing.assert_close(slope.double(), expected, rtol=1e-4, atol=1e-5)

    def test_a_code_that_is_standard_normal_costs_nothing(self) -> None:
        layer = bottleneck()
        nn.init.zeros_(layer.encoder.weight)
        layer.encoder.bias.data = torch.tensor([0.0] * 4 + [log(torch.e - 1)] * 4)
        layer(self.h)
        assert layer.penalty is not None
        assert layer.penalty.item() == pytest.approx(0, abs=1e-6)

    @pytest.mark.parametrize("train", [True, False])
    def test_it_is_as_random_in_eval_as_in_train_mode(self, train: bool) -> None:
        model = hardened("lenet", DEFENCES["precode"](width=6)).train(train)
        assert model.training is train
        draws = [draw_latents(model, X, ClientStep(), torch.Generator().manual_seed(s)) for s in (1, 2)]
        first, second = (local_update(model, X, Y, draw, ClientStep())["conv1.weight"] for draw in draws)
        assert not torch.allclose(first, second, rtol=1e-3)

    def test_its_draw_is_standard_normal_of_its_width(self) -> None:
        model = hardened("mlp", DEFENCES["precode"](width=256))
        [draw] = draw_latents(model, X, ClientStep(local_epochs=4), torch.Generator().manual_seed(0)).values()
        assert draw.shape == (4, 3, 256)
        assert draw.mean().item() == pytest.approx(0, abs=0.1)
        assert draw.std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_the_update_is_plain_autograd_of_cross_entropy_and_divergence(kind: str, beta: float) -> None:
    model = hardened(kind, DEFENCES["precode"](width=6, beta=beta))
    draws = draw_latents(model, X, ClientStep(), torch.Generator().manual_seed(0))
    [(name, layer)] = stochastic(model)
    entered: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _m, args: entered.append(args[0]))
    logits = functional_call(model, {name: draws[name][0]}, (X,))
    hook.remove()
    assert isinstance(layer, VariationalBottleneck)
    mean, sigma = encoded(layer, entered[0])
    bits = kl_divergence(Normal(mean, sigma), Normal(0.0, 1.0)).sum(1).mean() / log(2)
    loss = F.cross_entropy(logits, Y.argmax(1)) + beta * bits
    expected = torch.autograd.grad(loss, list(model.parameters()))
    update = local_update(model, X, Y, draws, ClientStep())
    for (parameter, got), want in zip(update.items(), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-5, msg=parameter)


def test_seeds_together_pay_the_penalty_that_each_pays_alone() -> None:
    model = hardened("lenet", DEFENCES["precode"](width=6, beta=0.3))
    draws = [draw_latents(model, X, ClientStep(2), torch.Generator().manual_seed(s)) for s in (1, 2)]
    stacked = {k: torch.stack([d[k] for d in draws]) for k in draws[0]}
    guess = Candidate(torch.stack([X, X / 2]), torch.stack([Y, Y]), stacked)
    together = batched_update(model, guess, ClientStep(2), start=dict(model.named_parameters()))
    for s, x in enumerate((X, X / 2)):
        alone = local_update(model, x, Y, draws[s], ClientStep(2))
        for name, got in alone.items():
            torch.testing.assert_close(together[name][s], got, rtol=1e-3, atol=1e-5)


def test_no_penalty_is_left_behind_in_the_model() -> None:
    model = hardened("lenet", DEFENCES["precode"](width=6))
    local_update(model, X, Y, {}, ClientStep())
    assert [layer.penalty for _, layer in stochastic(model) if isinstance(layer, VariationalBottleneck)] == [None]


@pytest.mark.parametrize("kind", ["precode", "partial_perturbation", "dropout"])
def test_a_second_layer_in_the_same_place_is_refused(kind: str) -> None:
    model = hardened("lenet", DEFENCES["precode"](width=6))
    with pytest.raises(Refused, match="place"):
        DEFENCES[kind]().harden(model)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("encoder", [False, True])
def test_partial_perturbation_touches_the_layers_before_the_bottleneck_and_nothing_else(
    kind: str, encoder: bool
) -> None:
    defence = DEFENCES["partial_perturbation"](width=6, std=0.1, encoder=encoder)  # type: ignore[call-arg]
    model = hardened(kind, defence)
    before = {k: torch.zeros_like(p) for k, p in model.named_parameters()}
    after = defence.release(before, torch.Generator().manual_seed(0))
    touched = [k for k, g in after.items() if (g != 0).any()]
    names = list(before)
    [place] = [k.removesuffix("encoder.weight") for k in names if k.endswith(".encoder.weight")]
    own = [place + part for part in ("encoder.weight", "encoder.bias")]
    assert touched == names[: names.index(own[0])] + (own if encoder else [])
    assert {"classifier.weight", place + "decoder.weight"} <= set(names) - set(touched)
    noise = torch.cat([after[k].flatten() for k in touched])
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
