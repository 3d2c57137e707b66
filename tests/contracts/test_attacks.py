"""What every row of `RECIPES` promises, on a tiny model: events in order, honest picks, the same seed the same bits."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace

import pytest
import torch

from gradleak_core.attacks import PAPERS, RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import BatchStatistics
from gradleak_core.client import local_update, observe
from gradleak_core.config.knobs import refusals
from gradleak_core.experiment import CODEC, RULES, Experiment, load
from gradleak_core.models import MODELS, build
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep, Event, Finished, Observation, Progress, Secret, Started
from gradleak_core.updates import Observed

EACH = pytest.mark.parametrize("name", RECIPES)
VICTIMS = ("lenet", "convnet")
"""The first of these that an attack accepts is its victim here."""
SHAPE, CLASSES = (1, 16, 16), 4


def small(name: str, *, steps: int = 12, restarts: int = 1) -> Recipe:
    attack = RECIPES[name]
    return replace(attack, steps=steps, restarts=restarts)


def accepted(attack: Recipe, kind: str, batch: int) -> bool:
    whole = CODEC.encode(Experiment(images=("sample:coffee",) * batch, model=MODELS[kind](), attack=attack))
    return not refusals(whole, whole, RULES)


def victim(attack: Recipe, batch: int = 1, seed: int = 40) -> tuple[torch.nn.Module, Secret, Observation]:
    kind = next(kind for kind in VICTIMS if accepted(attack, kind, batch))
    model = build(MODELS[kind](), SHAPE, CLASSES, seed=seed)
    images = torch.rand(batch, *SHAPE, generator=torch.Generator().manual_seed(seed))
    secret = Secret(images, torch.arange(batch) % CLASSES, {})
    told = ["labels"] if attack.labels.told else []
    by_statistics = any(isinstance(prior, BatchStatistics) for prior in attack.priors)
    step, threat = ClientStep(train=by_statistics), ThreatModel(statistics="told" if by_statistics else "unknown")
    model = model.train(step.train)
    return model, secret, observe(model, secret, step, (), classes=CLASSES, told=told, seed=1, threat=threat)


def events(attack: Recipe, *, batch: int = 1, seed: int = 7) -> list[Event]:
    model, _, observation = victim(attack, batch)
    return list(attack.run(model, observation, seed=seed))


BATCHES = [(name, b) for name in RECIPES for b in (1, 3) if any(accepted(small(name), kind, b) for kind in VICTIMS)]


def test_every_attack_accepts_one_image_and_most_accept_several() -> None:
    assert {name for name, batch in BATCHES if batch == 1} == set(RECIPES)
    assert set(RECIPES) - {name for name, batch in BATCHES if batch == 3} == {"dropout_readoff"}


@pytest.mark.parametrize(("name", "batch"), BATCHES)
@pytest.mark.parametrize("restarts", [1, 3])
def test_events_come_in_order_and_in_shape(name: str, batch: int, restarts: int) -> None:
    first, *middle, last = events(small(name, steps=5, restarts=restarts), batch=batch)
    assert isinstance(first, Started)
    assert (first.steps, first.restarts, first.losses[0]) == (5, restarts, "distance")
    assert isinstance(last, Finished)
    assert last.pick.images.shape == (1, batch, *SHAPE)
    assert [e.iteration for e in middle if isinstance(e, Progress)] == [1, 2, 3, 4, 5]
    for event in middle:
        assert isinstance(event, Progress)
        assert tuple(event.losses) == first.losses
        assert all(loss.shape == (restarts,) for loss in event.losses.values())


@EACH
def test_another_seed_gives_other_matches(name: str) -> None:
    def trace(seed: int) -> list[float]:
        return [e.losses["distance"].item() for e in events(small(name), seed=seed) if isinstance(e, Progress)]

    assert trace(3) != trace(4)


@EACH
def test_the_match_falls(name: str) -> None:
    attack = small(name, steps=60)
    best = [e.best.min().item() for e in events(attack) if isinstance(e, Progress)]
    assert attack.answer == "last" or best == sorted(best, reverse=True)
    assert best[-1] < 0.5 * best[0]


@EACH
def test_the_pick_has_the_match_that_is_said(name: str) -> None:
    attack = small(name, steps=25, restarts=2)
    model, _, observation = victim(attack)
    *_, last = attack.run(model, observation, seed=5)
    assert isinstance(last, Finished)
    update = local_update(model, last.pick.images[0], last.pick.labels[0], {}, observation.step)
    seen = Observed(attack.matched.choose(model, observation.update))
    again = attack.distance.to(seen)({k: g[None] for k, g in update.items()})
    assert again.item() == pytest.approx(last.distance, rel=1e-3, abs=1e-7)


@EACH
def test_what_the_attacker_was_not_told_does_not_change_the_attack(name: str) -> None:
    """The truth in the observation's place for labels is None unless the recipe says it is told."""
    attack = small(name)
    assert (victim(attack)[2].labels is not None) == attack.labels.told


@EACH
def test_a_recipe_survives_json(name: str) -> None:
    kind = next(kind for kind in VICTIMS if accepted(small(name), kind, 1))
    written = json.loads(json.dumps(CODEC.encode(Experiment(model=MODELS[kind](), attack=RECIPES[name]))))
    assert load(written).attack == RECIPES[name]


def test_a_paper_module_names_itself_and_its_source() -> None:
    for paper in PAPERS:
        assert paper.ATTACK.name == paper.__name__.rpartition(".")[2]
        assert paper.PAPER
        assert paper.TITLE
        assert len(inspect.getdoc(paper).split()) > 30
        assert len(inspect.getsource(paper).splitlines()) <= 80


def test_a_seed_that_explodes_is_drawn_anew_and_the_run_says_so() -> None:
    attack = replace(small("dlg", steps=60, restarts=2), optimiser=Adam(lr=10.0, schedule="constant"), priors=())
    bad = replace(attack, unknowns=(replace(attack.unknowns[0], boxed=False),))
    model, _, observation = victim(bad)
    tiny = {k: v * 1e-3 for k, v in observation.update.items()}
    *_, last = bad.run(model, replace(observation, update=tiny), seed=1)
    assert isinstance(last, Finished)
    assert last.status in ("done", "recovered")
    assert torch.isfinite(last.pick.images).all()


def test_an_observation_of_nothing_but_nan_ends_as_diverged() -> None:
    attack = small("dlg", steps=40, restarts=2)
    model, _, observation = victim(attack)
    broken = {k: torch.full_like(v, torch.nan) for k, v in observation.update.items()}
    *_, last = attack.run(model, replace(observation, update=broken), seed=1)
    assert isinstance(last, Finished)
    assert last.status == "diverged"
    assert last.redrawn > 0


@pytest.mark.parametrize("bound", ["PARAMETERS_AT_ONCE", "VALUES_AT_ONCE"])
def test_more_seeds_than_fit_go_in_turns_with_the_same_result(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attack = small("idlg", steps=8, restarts=3)
    together = [e.losses["distance"] for e in events(attack) if isinstance(e, Progress)]
    monkeypatch.setattr(f"gradleak_core.speed.quick.{bound}", 1)
    in_turns = [e.losses["distance"] for e in events(attack) if isinstance(e, Progress)]
    for a, b in zip(together[:3], in_turns[:3], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
