"""What every row of `DEFENCES` promises, with every choice it offers."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import nn

from gradleak_core.client import draw_latents, local_update
from gradleak_core.config.needs import FACTS
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.models import MODELS, build
from gradleak_core.models.layers import stochastic
from gradleak_core.types import ClientStep, Knob, Update


def variants() -> Iterator[object]:
    """Each defence with its defaults, and once more with every other choice of a field."""
    for kind, defence in DEFENCES.items():
        yield pytest.param(kind, defence(), id=kind)
        for name, hint in typing.get_type_hints(defence, include_extras=True).items():
            if not hasattr(hint, "__metadata__"):
                continue
            base = hint.__origin__
            values = (True,) if base is bool else typing.get_args(base)
            for value in values:
                yield pytest.param(kind, defence(**{name: value}), id=f"{kind}-{name}={value}")


EACH = pytest.mark.parametrize(("kind", "defence"), list(variants()))


def network() -> nn.Module:
    return build(MODELS["mlp"](width=16), (1, 8, 8), 5, seed=0)  # type: ignore[call-arg]


def hardened(defence: Defence) -> nn.Module:
    """The network as this defence has it; the seed stands for `experiment.prepare`, which draws new layers' weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return defence.harden(network())


def update(defence: Defence) -> Update:
    """An update of the hardened network, with a tensor of zeros in it."""
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return local_update(hardened(defence), x, torch.eye(5)[:2], {}, ClientStep()) | {"dead": torch.zeros(3, 2)}


def inputs(defence: Defence, generator: torch.Generator | None = None) -> Update:
    """What the client trains on in the place of three images."""
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    images, labels = defence.inputs(x, torch.eye(5)[:3], generator or seeded())
    return {"images": images, "labels": labels}


def released(defence: Defence, seen: Update, generator: torch.Generator | None = None) -> Update:
    return defence.release(defence.per_example(seen), generator or seeded())


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def equal(a: Update, b: Update) -> bool:
    return list(a) == list(b) and all(torch.equal(a[k], b[k]) for k in a)


@EACH
def test_names_shapes_and_types_are_kept(kind: str, defence: Defence) -> None:
    before = update(defence)
    after = released(defence, before)
    assert list(after) == list(before)
    for name, tensor in after.items():
        assert tensor.shape == before[name].shape
        assert tensor.dtype == torch.float32
        assert tensor.isfinite().all()


@EACH
def test_nothing_is_changed_in_place(kind: str, defence: Defence) -> None:
    before, model = update(defence), network()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    x, y = torch.full((3, 1, 8, 8), 0.3), torch.eye(5)[:3]
    released(defence, before)
    defence.harden(model)
    defence.inputs(x, y, torch.Generator())
    assert equal(before, update(defence))
    assert equal({"x": x, "y": y}, {"x": torch.full((3, 1, 8, 8), 0.3), "y": torch.eye(5)[:3]})
    assert equal(state, model.state_dict())
    assert [type(m) for m in model.modules()] == [type(m) for m in network().modules()]


@EACH
def test_the_generator_alone_decides(kind: str, defence: Defence) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, first_inputs = released(defence, update(defence)), inputs(defence)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    assert equal(first, released(defence, update(defence)))
    assert equal(first_inputs, inputs(defence))


@EACH
def test_what_it_draws_changes_what_it_gives(kind: str, defence: Defence) -> None:
    for made in (partial(released, defence, update(defence)), partial(inputs, defence)):
        generator = seeded()
        first, drew = made(generator), not torch.equal(generator.get_state(), seeded().get_state())
        assert equal(first, made(seeded(1))) is not drew


@EACH
def test_what_it_states_of_itself_is_true(kind: str, defence: Defence) -> None:
    assert set(defence.facts) <= set(FACTS)
    assert ("stochastic" in defence.facts) is any(stochastic(hardened(defence)))
    assert bool(defence.instead) is (type(defence).inputs is not Defence.inputs)


@EACH
def test_what_the_client_trains_on_stays_a_batch_of_pictures_with_labels(kind: str, defence: Defence) -> None:
    changed = inputs(defence)
    assert changed["images"].shape == (3, 1, 8, 8)
    assert changed["images"].min() >= 0
    assert changed["images"].max() <= 1
    torch.testing.assert_close(changed["labels"].sum(1), torch.ones(3))
    assert torch.equal(changed["labels"], torch.eye(5)[:3]) is not defence.mixes


@EACH
def test_it_does_something(kind: str, defence: Defence) -> None:
    large = {k: 100 * g for k, g in update(defence).items()}
    layers = [type(m) for m in hardened(defence).modules()]
    assert (
        not equal(large, released(defence, large))
        or layers != [type(m) for m in network().modules()]
        or not torch.equal(inputs(defence)["images"], inputs(Defence())["images"])
    )


@EACH
def test_it_works_on_each_image_only_when_it_says_so(kind: str, defence: Defence) -> None:
    large = {k: 100 * g for k, g in update(defence).items()}
    assert equal(defence.per_example(large), large) is not defence.each_example


@EACH
def test_the_hardened_model_keeps_its_parameters_and_their_order(kind: str, defence: Defence) -> None:
    plain, hard = dict(network().named_parameters()), dict(hardened(defence).named_parameters())
    assert equal(plain, {k: p for k, p in hard.items() if k in plain})


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("place", ["before_classifier", "inside", "both"])
def test_dropout_fits_every_model(kind: str, place: str) -> None:
    """At the mean draw of 1 nothing changes; at a fresh draw the update differs and stays finite."""
    plain = build(MODELS[kind](), (3, 16, 16), 5, seed=0)
    hard = DEFENCES["dropout"](place=place).harden(plain)  # type: ignore[call-arg]
    x, y, step = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.eye(5)[:2], ClientStep()
    assert torch.equal(plain(x), hard(x))
    draws = draw_latents(hard, x, step, torch.Generator().manual_seed(0))
    dropped = local_update(hard, x, y, draws, step)
    assert all(g.isfinite().all() for g in dropped.values())
    assert not equal(dropped, local_update(hard, x, y, {}, step))


@pytest.mark.parametrize("kind", DEFENCES)
def test_every_field_is_a_knob_with_a_label_and_help(kind: str) -> None:
    defence = DEFENCES[kind]
    hints = typing.get_type_hints(defence, include_extras=True)
    for field in dataclasses.fields(defence):  # type: ignore[arg-type]
        [knob] = [m for m in hints[field.name].__metadata__ if isinstance(m, Knob)]
        assert knob.label
        assert knob.help.endswith(".")
    assert defence.title
    assert defence.__doc__
