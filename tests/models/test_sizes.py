"""The networks have the sizes their papers count, and knobs change what they name."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from gradleak_core.client import local_update
from gradleak_core.config.needs import facts, unmet
from gradleak_core.experiment import RULES
from gradleak_core.models import MODELS, Model, build
from gradleak_core.models.convnet import ConvNet
from gradleak_core.models.inits import Normal, Uniform
from gradleak_core.models.layers import Slot
from gradleak_core.models.mlp import MLP
from gradleak_core.models.resnet18 import ResNet18
from gradleak_core.models.resnet20 import ResNet20
from gradleak_core.models.vit import ViT
from gradleak_core.types import ClientStep

DIA_MLP = MLP(width=512, depth=3, activation="gelu", bias=False)


def parameters(model: Model, channels: int = 3, size: int = 32) -> int:
    return sum(p.numel() for p in build(model, (channels, size, size), 10, seed=0).parameters())


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (MLP(), 3072 * 1024 + 1024 + 1024 * 1024 + 1024 + 1024 * 10 + 10),
        (DIA_MLP, 2_102_272),
        (ResNet20(), 269_722),
        (ViT(), 1_612_554),
        (ConvNet(), 76_010),
    ],
    ids=["PRECODE's MLP", "DIA's MLP", "ResNet-20", "DIA's ViT", "ConvNet"],
)
def test_parameters_are_those_of_the_paper(model: Model, count: int) -> None:
    assert parameters(model) == count


def test_dias_mlp_has_the_size_reported_for_mnist() -> None:
    assert parameters(DIA_MLP, channels=1, size=28) == 930_816


@pytest.mark.parametrize(("channels", "size", "unknowns"), [(3, 32, 486_720), (1, 28, 326_400)])
def test_the_vit_has_dias_seventeen_places(channels: int, size: int, unknowns: int) -> None:
    """Mask entries of an image, as the Dropout Inversion Attack counts them."""
    network, seen = build(ViT(), (channels, size, size), 10, seed=0), []
    inside = [m for m in network.modules() if isinstance(m, Slot) and m.place == "inside"]
    for slot in inside:
        slot.register_forward_hook(lambda _m, _i, out: seen.append(out.numel()))
    network(torch.rand(1, channels, size, size))
    assert len(inside) == 17
    assert sum(seen) == unknowns


def test_resnet18_computes_what_torchvisions_does() -> None:
    from torchvision.models import resnet18  # takes as long to import as torch

    ours = build(ResNet18(normalise=False), (3, 64, 64), 10, seed=4)
    torch.manual_seed(4)
    theirs = resnet18(num_classes=10).eval()
    x = torch.rand(2, 3, 64, 64)
    assert [name.replace("fc", "classifier") for name in theirs.state_dict()] == [*ours.state_dict()]
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("model", [MLP, ConvNet, ResNet20, ResNet18, ViT])
def test_normalise_is_the_first_thing_done(model: Callable[..., Model]) -> None:
    x = torch.rand(2, 3, 32, 32)
    raw, normalised = (build(model(normalise=n), (3, 32, 32), 10, seed=0) for n in (False, True))
    torch.testing.assert_close(raw((x - 0.5) / 0.25), normalised(x))


@pytest.mark.parametrize("kind", MODELS)
def test_the_init_draws_convolutions_and_linear_layers_only(kind: str) -> None:
    network = build(MODELS[kind](init=Uniform(0.01)), (3, 32, 32), 10, seed=0)  # type: ignore[call-arg]
    for layer in network.modules():
        largest = max((p.abs().max().item() for p in layer.parameters(recurse=False)), default=0.0)
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            assert 0.009 < largest <= 0.01
        elif isinstance(layer, (nn.BatchNorm2d, nn.LayerNorm)):
            assert largest == 1


def test_the_same_seed_with_another_init_gives_other_weights() -> None:
    normal = build(ConvNet(init=Normal(0.2)), (3, 32, 32), 10, seed=0)
    assert math.isclose(normal.conv4.weight.std().item(), 0.2, rel_tol=0.02)


def test_a_bias_of_the_mlp_is_a_fact_the_label_rules_see() -> None:
    experiment = {"images": ["a"], "size": 32, "channels": 3, "classes": 10, "client": {}, "model": {"bias": False}}
    assert facts(experiment, RULES)["bias"] == 0
    assert not any("bias" in name for name, _ in build(DIA_MLP, (3, 32, 32), 10, seed=0).named_parameters())


def given(batch: int = 1, size: int = 32, **client: int) -> dict[str, float]:
    about: dict[str, object] = {"images": ["a"] * batch, "size": size, "channels": 3, "classes": 10, "client": client}
    about["model"] = {"patch": 4}
    return facts(about, RULES)


@pytest.mark.parametrize(
    ("known", "possible"),
    [
        (given(train=0), True),
        (given(train=1), False),
        (given(train=1, batch=2), True),
        (given(train=1, batch=3, local_batch=2), False),
        (given(train=1, size=33), True),
    ],
)
def test_resnet18_refuses_exactly_what_batch_norm_cannot_do(known: dict[str, float], possible: bool) -> None:
    network = build(ResNet18(), (3, int(known["size"]), int(known["size"])), 10, seed=0).train()
    images = int(known["step_images"])
    x, y = torch.rand(images, 3, int(known["size"]), int(known["size"])), torch.eye(10)[:images]
    assert (unmet(ResNet18.needs, known) == []) is possible
    if not possible:
        with pytest.raises(ValueError, match="more than 1 value"):
            local_update(network, x, y, {}, ClientStep(train=True))
    else:
        local_update(network.train(bool(known["train"])), x, y, {}, ClientStep())


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        (ViT, 30, "the patch divides"),
        (ViT, 96, "2 to 16 patches"),
        (MLP, 224, "square of it"),
        (ResNet20, 224, "ResNet-18"),
    ],
)
def test_a_size_out_of_range_is_refused_with_the_reason(model: type[Model], size: int, words: str) -> None:
    [sentence] = unmet(model.needs, given(size=size))
    assert words in sentence
