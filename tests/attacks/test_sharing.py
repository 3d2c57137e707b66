"""Restarts shared out among threads give what one thread gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Event, get_ident
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from gradleak_core import client
from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion.loop import start_descent
from gradleak_core.attacks.inversion.objective import prior_weights
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment, prepare_both, run, threads
from gradleak_core.models import MODELS
from gradleak_core.speed import parallel
from gradleak_core.speed.parallel import Shared, run_ahead, shared_out
from gradleak_core.speed.threads import ALL_THREADS
from gradleak_core.types import ClientStep, Finished, Progress

SEEDS = 5


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(ALL_THREADS)


@pytest.mark.parametrize(
    ("name", "model", "defences"),
    [
        ("idlg", "lenet", ()),
        ("inverting_gradients", "mlp", ()),
        ("gradinversion", "convnet", ()),
        ("general_deep_leakage", "lenet", ()),
        ("gradinversion", "resnet20", ()),
        ("precode_noise", "lenet", ("precode",)),
        ("dropout_inversion", "lenet", ("dropout",)),
    ],
)
def test_every_term_is_the_same_however_many_threads(name: str, model: str, defences: tuple[str, ...]) -> None:
    recipe = RECIPES[name]
    recipe = replace(recipe, restarts=SEEDS)
    used = tuple(DEFENCES[defence]() for defence in defences)
    both = prepare_both(
        Experiment(images=("sample:flower",), model=MODELS[model](), attack=recipe, defences=used, seed=77)
    )
    generator = torch.Generator().manual_seed(5)
    labels = recipe.labels.read(both.model, both.observation)
    space = Space(recipe.unknowns, labels, both.observation, recipe.stance, both.model, generator)
    z = space.start(SEEDS, generator)
    found = []
    given = (z[:, :0], prior_weights(recipe.priors, 0.6, z), torch.tensor(0.1), space.candidate(z).images.mean(0))
    for number in (1, 3):
        torch.set_num_threads(number)
        with shared_out(partial(start_descent, recipe, both.observation, space), both.model, z, ahead=False) as work:
            [terms] = work.run([given])
            works = work.works if isinstance(work, Shared) else [work]
            assert len(works) == number
            found.append((terms, torch.cat([descent.z for descent in works])))
    (alone, alones), (together, moved) = found
    assert alone[2].shape == (SEEDS, len(recipe.priors))
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-6)
    # of a gradient near 0 the sign is anybody's guess
    assert ((moved - alones).abs() > 1e-3).float().mean() < 0.01


@pytest.mark.parametrize(("restarts", "within", "shares"), [(1, 3, 1), (2, 1, 2), (8, 1, 3)])
def test_torch_has_one_thread_while_seeds_are_shared(restarts: int, within: int, shares: int) -> None:
    started = []
    with shared_out(
        lambda model, z: started.append(len(z)), torch.nn.Linear(1, 1), torch.zeros(restarts, 1), ahead=True
    ):
        assert len(started) == shares
        assert sum(started) == restarts
        assert torch.get_num_threads() == within
    assert torch.get_num_threads() == 3


def test_a_run_that_is_left_gives_the_threads_back() -> None:
    recipe = replace(RECIPES["idlg"], restarts=16)
    events = run(Experiment(model=MODELS["lenet"](), attack=recipe), due=lambda _: False)
    assert any(isinstance(event, Progress) for event in events)
    chosen = threads(Experiment(model=MODELS["lenet"](), attack=recipe))
    events.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == chosen


def test_whoever_looks_computes_with_another_model_than_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads are ahead while a frame is made, and a model gets other parameters for as long as it is computed with."""
    used: dict[int, set[int]] = defaultdict(set)

    def noted(model: torch.nn.Module, *rest: Any) -> Any:
        used[get_ident()].add(id(model))
        return functional_call(model, *rest)

    monkeypatch.setattr(client, "functional_call", noted)
    recipe = replace(RECIPES["inverting_gradients"], restarts=SEEDS, steps=4)
    step = ClientStep(local_epochs=2)
    known = Experiment(model=MODELS["lenet"](), size=16, threads=3, client=step, attack=recipe)
    *_, end = run(known, due=lambda _: True)
    assert isinstance(end, Finished)
    assert len(used) == 4
    models = [model for mine in used.values() for model in mine]
    assert len(models) == len({*models})


def test_a_thread_may_be_ahead_but_each_finds_its_rounds_in_order() -> None:
    slow, seen = Event(), []

    def first(rows: Tensor, number: Tensor) -> tuple[Tensor, ...]:
        slow.wait(10)
        return (rows + number,)

    def second(rows: Tensor, number: Tensor) -> tuple[Tensor, ...]:
        seen.append(int(number))
        if len(seen) == 3:  # two rounds ahead of the first, which is let go only now
            slow.set()
        return (rows - number,)

    rounds = [(torch.zeros(2), torch.tensor(float(number))) for number in range(5)]
    assert [found.tolist() for (found,) in run_ahead([first, second], rounds, 2)] == [[n, -n] for n in range(5)]
    assert seen == [*range(5)]


def test_what_goes_wrong_in_a_thread_is_raised_and_ends_the_others() -> None:
    done = []

    def wrong(rows: Tensor) -> tuple[Tensor, ...]:
        raise RuntimeError("no memory")

    def right(rows: Tensor) -> tuple[Tensor, ...]:
        done.append(len(rows))
        return (rows,)

    with pytest.raises(RuntimeError, match="no memory"):
        list(run_ahead([wrong, right], [(torch.zeros(2),)] * 100, 2))
    assert len(done) <= 3


@pytest.mark.parametrize("name", ["idlg", "inverting_gradients"])
def test_a_run_finds_the_same_however_far_a_thread_may_be_ahead(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPES[name], restarts=SEEDS, steps=25)
    both = prepare_both(Experiment(images=("sample:coffee",), model=MODELS["lenet"](), attack=recipe, seed=31))
    found = []
    for most in (0, 2, 9):
        monkeypatch.setattr(parallel, "AHEAD", most)
        events = [e for e in recipe.run(both.model, both.observation, seed=3) if isinstance(e, Progress)]
        assert [event.iteration for event in events] == [*range(1, 26)]
        found.append(torch.stack([event.losses["distance"] for event in events]))
    assert found[0].equal(found[1])
    assert found[0].equal(found[2])
