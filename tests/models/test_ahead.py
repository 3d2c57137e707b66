"""Which parameters lie ahead of the randomness, against what really changes when the draw does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from gradleak_core.client import draw_latents
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS, build
from gradleak_core.models.layers import names_before_randomness
from gradleak_core.types import ClientStep

X = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
HARDENED = [("dropout", {"p": 0.5, "place": place}) for place in ("inside", "before_classifier", "both")]
HARDENED.append(("precode", {"width": 8}))


def inputs(model: nn.Module, seed: int) -> dict[str, Tensor]:
    """What enters each module that owns a parameter, under one draw."""
    entered: dict[str, Tensor] = {}
    owners = {name.rpartition(".")[0] for name, _ in model.named_parameters()}
    hooks = [
        model.get_submodule(name).register_forward_pre_hook(lambda _m, args, name=name: entered.update({name: args[0]}))
        for name in owners
    ]
    draws = draw_latents(model, X, ClientStep(), torch.Generator().manual_seed(seed))
    with torch.no_grad():
        functional_call(model, {k: v[0] for k, v in draws.items()}, (X,))
    for hook in hooks:
        hook.remove()
    return entered


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(("defence", "knobs"), HARDENED)
def test_ahead_is_what_no_draw_reaches(kind: str, defence: str, knobs: dict[str, object]) -> None:
    model = DEFENCES[defence](**knobs).harden(build(MODELS[kind](), (3, 24, 24), 5, seed=0))  # type: ignore[call-arg]
    first, second = inputs(model, 1), inputs(model, 2)
    untouched = {name for name, h in first.items() if torch.equal(h, second[name])}
    own = {name for name in untouched if name.endswith(".encoder")}  # PRECODE's own, which does not count as ahead
    assert bool(own) == (defence == "precode")
    expected = [k for k, _ in model.named_parameters() if k.rpartition(".")[0] in untouched - own]
    assert names_before_randomness(model) == expected
    assert 0 < len(expected) < len(list(model.parameters()))


@pytest.mark.parametrize("kind", MODELS)
def test_without_randomness_everything_is_ahead(kind: str) -> None:
    model = build(MODELS[kind](), (3, 24, 24), 5, seed=0)
    assert names_before_randomness(model) == [name for name, _ in model.named_parameters()]
