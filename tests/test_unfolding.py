"""Small convolutions as products, against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core.speed import unfolding
from gradleak_core.speed.unfolding import Unfolding

LAYERS = {
    "lenet": nn.Conv2d(3, 4, 5, 2, 2),
    "stem": nn.Conv2d(3, 4, 7, 2, 3, bias=False),
    "uneven": nn.Conv2d(3, 4, (5, 2), (1, 3), (2, 0), (1, 2)),
    "same": nn.Conv2d(3, 4, 5, padding="same"),
    "reflected": nn.Conv2d(3, 4, 5, padding=2, padding_mode="reflect"),
}


@pytest.fixture(params=LAYERS)
def layer(request: pytest.FixtureRequest) -> nn.Conv2d:
    return LAYERS[request.param].double()


def second(layer: nn.Conv2d, x: Tensor) -> tuple[Tensor, ...]:
    """Returns the outputs, the weight's gradient, and the gradient of its squared length in x."""
    y = layer(x)
    (gradient,) = torch.autograd.grad(y.sin().sum(), layer.weight, create_graph=True)
    return y, gradient, *torch.autograd.grad(gradient.square().sum(), x)


def test_outputs_gradients_and_second_derivatives_are_the_same(layer: nn.Conv2d) -> None:
    x = torch.rand(1, 3, 13, 12, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    expected = second(layer, x)
    with Unfolding():
        found = second(layer, x)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("shape", "kernel", "products"),
    [((1, 3, 32, 32), 5, True), ((2, 3, 32, 32), 5, False), ((1, 3, 32, 32), 3, False), ((1, 3, 224, 224), 7, False)],
)
def test_only_small_ones_with_large_kernels_are(
    shape: tuple[int, ...], kernel: int, products: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    plain = unfolding.unfolded
    monkeypatch.setattr(unfolding, "unfolded", lambda *args: seen.append(args) or plain(*args))
    with Unfolding():
        nn.Conv2d(3, 2, kernel)(torch.rand(shape))
        F.conv2d(torch.rand(shape), torch.rand(2, 3, kernel, kernel))
    assert len(seen) == products
