"""When a run ends: a goal counts for every size of update alike, and only once the distance stands still."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.inversion.stopping import Stopping, distance_of_zeros
from gradleak_core.attacks.parts.distances import DISTANCES, Squared
from gradleak_core.attacks.parts.labels import KnownLabels
from gradleak_core.attacks.parts.matched import Everything
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import TotalVariation
from gradleak_core.catalogue import catalogue
from gradleak_core.client import observe
from gradleak_core.config.links import from_query
from gradleak_core.experiment import CODEC, Experiment, load, run
from gradleak_core.models import MODELS, build
from gradleak_core.models.inits import Default
from gradleak_core.models.lenet import LeNet
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep, Finished, Frame, Observation, Plateau, Progress, Secret, Update
from gradleak_core.updates import Observed

SHAPE, CLASSES = (1, 16, 16), 4


def recipe(name: str, **changes: object) -> Recipe:
    attack = RECIPES[name]
    return replace(attack, labels=KnownLabels(), **changes)  # type: ignore[arg-type]


def observed(model: nn.Module, rounds: int = 1) -> Observation:
    images = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(3))
    secret = Secret(images, torch.tensor([2]), {})
    threat = ThreatModel(rounds=rounds)
    return observe(model, secret, ClientStep(), (), classes=CLASSES, told=["labels"], seed=1, threat=threat)


def lenet() -> nn.Module:
    return build(MODELS["lenet"](), SHAPE, CLASSES, seed=11)


def scaled(update: Update, factor: float) -> Update:
    return {k: factor * g for k, g in update.items()}


def ended(attack: Recipe, model: nn.Module, observation: Observation) -> Finished:
    *_, last = attack.run(model, observation, seed=5)
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize("kind", DISTANCES)
@pytest.mark.parametrize("factor", [1e-6, 1e3])
def test_a_goal_means_the_same_for_an_update_of_any_size(kind: str, factor: float) -> None:
    model = lenet()
    seen, attack = observed(model), recipe("idlg", distance=DISTANCES[kind]())
    guess = {k: g[None] + 0.1 * torch.randn(1, *g.shape) * g.std() for k, g in seen.update.items()}

    def share(factor: float) -> Tensor:
        update = scaled(seen.update, factor)
        distance = attack.distance.to(Observed(update))(scaled(guess, factor))
        return distance / distance_of_zeros(attack.distance, attack.matched, model, replace(seen, update=update))

    torch.testing.assert_close(share(factor), share(1.0), rtol=1e-3, atol=0)  # sums of 15,000 float32 squares


def test_the_match_of_zeros_is_in_closed_form_what_the_distance_says() -> None:
    model = lenet()
    seen = observed(model)
    entries = torch.cat([g.flatten() for g in seen.update.values()])
    expected = {"squared": entries.square().sum(), "absolute": entries.abs().sum(), "cosine": torch.tensor(1.0)}
    for kind, value in expected.items():
        found = distance_of_zeros(DISTANCES[kind](), Everything(), model, seen)
        assert found == pytest.approx(float(value), rel=1e-5)


def test_the_match_of_zeros_is_summed_over_the_rounds() -> None:
    model = lenet()
    seen = observed(model, rounds=3)
    updates = [seen.update, *(later.update for later in seen.later)]
    squares = sum(float(g.square().sum()) for update in updates for g in update.values())
    assert distance_of_zeros(Squared(), Everything(), model, seen) == pytest.approx(squares, rel=1e-5)


@pytest.mark.parametrize("name", ["dlg", "idlg", "sapag"])
def test_a_small_update_is_no_success(name: str) -> None:
    """Of an update a hundred-thousandth as large, the squared distance of any guess lies below 1e-9."""
    model = lenet()
    seen = observed(model)
    other = {k: g.flip(0) for k, g in seen.update.items()}  # no picture has this update
    attack = recipe(name, steps=30) if name != "dlg" else replace(recipe(name), labels=RECIPES["dlg"].labels, steps=30)
    assert ended(attack, model, replace(seen, update=scaled(other, 1e-5))).status != "recovered"


def checks(goal: float, distances: list[float]) -> int | None:
    """The check after which a run of these lowest matches ends."""
    judge = Stopping(goal)
    for number, (before, distance) in enumerate(zip([1.0, *distances], distances, strict=False), 1):
        judge.begin(torch.tensor([before]))
        if judge.met(torch.tensor([distance])):
            return number
    return None


def test_a_match_that_still_falls_does_not_end_a_run() -> None:
    assert checks(1e-3, [0.8**n for n in range(200)]) is None
    assert checks(1e-3, [1 / n**4 for n in range(1, 200)]) is None


def test_a_match_that_stands_still_ends_a_run_below_its_goal_alone() -> None:
    assert checks(1e-3, [1e-4] * 40) == 11
    assert checks(1e-3, [1e-2] * 40) is None
    assert checks(1e-3, [0.0] * 40) == 11
    assert checks(0.0, [0.0] * 40) is None


def test_standing_still_is_judged_by_a_quarter_of_the_run() -> None:
    fall = [1e-4 * 0.5**n for n in range(100)]
    found = checks(1e-3, fall + fall[-1:] * 100)
    assert found is not None
    assert 120 < found < 140


def test_a_run_in_which_no_step_lowered_the_match_is_stuck() -> None:
    model = build(MODELS["mlp"](), SHAPE, CLASSES, seed=1)
    first = next(layer for layer in model.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        first.bias.fill_(-1e4)  # no unit of the first layer ever answers, so nothing depends on the picture
    for name in ("idlg", "inverting_gradients"):
        assert ended(recipe(name, steps=40, restarts=2, priors=()), model, observed(model)).status == "stuck"


def test_a_run_of_a_few_iterations_is_not_called_stuck() -> None:
    model = lenet()
    assert ended(recipe("idlg", steps=1), model, observed(model)).status == "done"


def test_a_network_is_attacked_for_as_long_as_that_helps() -> None:
    """Here the squared distance is below 1e-9 after 300 iterations, at 37 dB, and after 600 the picture is at 45 dB."""
    attack = replace(recipe("idlg"), labels=RECIPES["idlg"].labels, steps=360)
    *_, shown, last = run(Experiment(("sample:chelsea",), model=LeNet(init=Default()), attack=attack))
    assert isinstance(shown, Frame)
    assert isinstance(last, Finished)
    assert shown.metrics["distance"] < 1e-9
    assert (last.status, last.iteration) == ("done", 360)


@pytest.mark.parametrize("goal", [1e-9, 1e-6, 1.0, 1000.0])
def test_goals_of_old_files_and_links_are_read(goal: float) -> None:
    written = CODEC.encode(Experiment())
    written["attack"]["goal"] = goal
    assert load(written).attack.goal == goal
    assert from_query({"attack": ["idlg"], "attack.goal": [str(goal)]}, catalogue())["attack"]["goal"] == goal


def unreachable(model: nn.Module) -> Observation:
    """An update that no picture causes, so that the distance levels off above zero."""
    seen, draw = observed(model), torch.Generator().manual_seed(8)
    noisy = {k: g + 10 * g.std() * torch.randn(g.shape, generator=draw) for k, g in seen.update.items()}
    return replace(seen, update=noisy)


def played(attack: Recipe, *, ends: bool) -> tuple[list[Plateau], int, Finished]:
    """The plateaus of a run, its number of iterations and its end; `ends` is the answer at a plateau."""
    model = build(MODELS["mlp"](width=16, activation="tanh"), SHAPE, CLASSES, seed=3)
    plateaus, iterations = [], 0
    for event in attack.run(model, unreachable(model), seed=5):
        iterations += isinstance(event, Progress)
        if isinstance(event, Plateau):
            event.ends = ends
            plateaus.append(event)
        elif isinstance(event, Finished):
            last = event
    return plateaus, iterations, last


LEVEL = recipe("idlg", steps=480)


def test_a_run_that_levels_off_asks_once_and_ends_only_if_told_to() -> None:
    asked, iterations, last = played(LEVEL, ends=True)
    assert len(asked) == 1
    assert (last.status, last.iteration) == ("level", iterations)
    assert asked[0].iteration == iterations < 480
    assert 300 <= asked[0].still < iterations
    again, iterations, on = played(LEVEL, ends=False)
    assert (again[0].iteration, len(again), iterations, on.status) == (asked[0].iteration, 1, 480, "done")
    assert on.distance >= 0.9 * last.distance, "there was not much left to find"


@pytest.mark.parametrize("changing", [{"optimiser": Adam(schedule="cosine")}, {"priors": (TotalVariation(early=9),)}])
def test_a_run_whose_steps_or_priors_still_change_is_not_level(changing: dict[str, object]) -> None:
    plateaus, iterations, _ = played(replace(LEVEL, **changing), ends=True)  # type: ignore[arg-type]
    assert (plateaus, iterations) == ([], 480)
