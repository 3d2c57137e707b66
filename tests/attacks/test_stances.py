"""What an attacker does about dropout masks and PRECODE's noise, against the draws the client really used."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion.objective import Objective
from gradleak_core.attacks.parts.stances import STANCES, Guess, Ignore, ReadOff, Solve, Stance, Told
from gradleak_core.attacks.parts.unknowns import Pixels, Space
from gradleak_core.client import draw_latents, local_update, observe
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS, Model, build
from gradleak_core.models.layers import stochastic
from gradleak_core.types import ClientStep, Latents, Observation, Secret

SHAPE, CLASSES = (3, 16, 16), 5
VICTIMS: dict[str, Model] = {
    "lenet": MODELS["lenet"](),
    "mlp": MODELS["mlp"](width=64, activation="gelu"),  # type: ignore[call-arg]
    "resnet20": MODELS["resnet20"](activation="gelu"),  # type: ignore[call-arg]
    "vit": MODELS["vit"](heads=2, depth=1),  # type: ignore[call-arg]
}
DEFENDED = [("dropout", {"p": 0.5, "place": place}) for place in ("before_classifier", "both")]
DEFENDED.append(("precode", {"width": 6}))


def watched(
    kind: str, defence: str, *, batch: int = 1, epochs: int = 1, **knobs: object
) -> tuple[nn.Module, Latents, Observation]:
    """A hardened model, the client's draws, and an observation that reveals them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = DEFENCES[defence](**knobs).harden(build(VICTIMS[kind], SHAPE, CLASSES, seed=0))  # type: ignore[call-arg]
    images = torch.rand(batch, *SHAPE, generator=torch.Generator().manual_seed(1))
    step = ClientStep(local_epochs=epochs)
    draws = draw_latents(model, images, step, torch.Generator().manual_seed(2))
    secret = Secret(images, torch.arange(batch), draws)
    told = ["labels", "latents"]
    return model, draws, observe(model, secret, step, (), classes=CLASSES, told=told, seed=3)


def drawn(stance: Stance, model: nn.Module, observation: Observation, seed: int = 9) -> Latents:
    return stance.draws(model, observation, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["lenet", "mlp", "resnet20", "vit"])
@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_one_image_sends_its_mask_before_the_classifier_along(kind: str, p: float) -> None:
    model, draws, observation = watched(kind, "dropout", p=p)
    blind = replace(observation, labels=None, latents=None)
    found = drawn(ReadOff(), model, blind)
    assert list(found) == list(draws)
    for name, mask in draws.items():
        assert torch.equal(found[name], mask)


def test_inside_a_perceptron_every_mask_is_read_off() -> None:
    model, draws, observation = watched("mlp", "dropout", p=0.5, place="both")
    found = drawn(ReadOff(), model, observation)
    assert len(draws) == 2
    assert all(torch.equal(found[name], mask) for name, mask in draws.items())


def test_a_mask_before_a_convolution_stays_at_its_mean() -> None:
    model, draws, observation = watched("lenet", "dropout", p=0.5, place="both")
    assert len(draws) == 3
    assert list(drawn(ReadOff(), model, observation)) == ["slot3.draw"]


def test_a_hidden_classifier_gives_no_mask_away() -> None:
    model, _, observation = watched("lenet", "dropout", p=0.5)
    left = {k: g for k, g in observation.update.items() if k != "classifier.weight"}
    assert drawn(ReadOff(), model, replace(observation, update=left)) == {}


@pytest.mark.parametrize(("defence", "knobs"), DEFENDED)
@pytest.mark.parametrize("epochs", [1, 3])
def test_told_is_the_clients_own_draw_and_ignore_is_none(defence: str, knobs: dict[str, object], epochs: int) -> None:
    model, draws, observation = watched("lenet", defence, batch=2, epochs=epochs, **knobs)
    found = drawn(Told(), model, observation)
    assert all(torch.equal(found[name], draw) for name, draw in draws.items())
    assert list(found) == list(draws)
    assert drawn(Ignore(), model, observation) == {}


@pytest.mark.parametrize(("defence", "knobs"), DEFENDED)
def test_draws_are_told_only_to_who_asks(defence: str, knobs: dict[str, object]) -> None:
    model, draws, _ = watched("lenet", defence, **knobs)
    secret = Secret(torch.rand(1, *SHAPE), torch.tensor([0]), draws)
    assert observe(model, secret, ClientStep(), (), classes=CLASSES, seed=0).latents is None
    assert [kind for kind, stance in STANCES.items() if stance.told] == ["told"]


@pytest.mark.parametrize(("defence", "knobs"), DEFENDED)
@pytest.mark.parametrize("stance", [Guess(), Solve()])
def test_a_fresh_draw_has_the_clients_shape_and_is_not_the_clients(
    stance: Stance, defence: str, knobs: dict[str, object]
) -> None:
    model, draws, observation = watched("lenet", defence, batch=2, epochs=2, **knobs)
    found = drawn(stance, model, replace(observation, latents=None))
    for name, draw in draws.items():
        assert found[name].shape == draw.shape
        assert not torch.equal(found[name], draw)
        assert not torch.equal(found[name], drawn(stance, model, observation, seed=10)[name])


def space(stance: Stance, model: nn.Module, observation: Observation) -> Space:
    return Space((Pixels(),), observation.labels, observation, stance, model, torch.Generator().manual_seed(4))


def test_guess_changes_at_every_evaluation_and_told_does_not() -> None:
    model, _, observation = watched("lenet", "dropout", p=0.5)
    attack = RECIPES["inverting_gradients"]
    for stance in (Guess(), Told()):
        one = space(stance, model, observation)
        objective = Objective(attack.distance, attack.matched, (), model, observation, one, 1)
        z = one.start(1, torch.Generator().manual_seed(5))
        masks, distances = [], []
        for _ in range(3):
            one.refresh()
            distances.append(objective.distance(z)[0].item())
            masks.append(one.candidate(z).latents["slot3.draw"].clone())
        assert torch.equal(masks[0], masks[1]) is not stance.fresh
        assert (len(set(distances)) == 3) is stance.fresh


@pytest.mark.parametrize(("defence", "knobs", "again"), [("pruning", {}, False), ("dropout", {"p": 0.5}, True)])
def test_a_guess_is_drawn_again_only_where_something_is_drawn(
    defence: str, knobs: dict[str, object], again: bool
) -> None:
    model, _, observation = watched("lenet", defence, **knobs)
    assert (space(Guess(), model, observation).redraw is not None) is again


@pytest.mark.parametrize("restarts", [1, 4])
def test_solved_masks_start_from_a_draw_of_their_own_and_stay_between_dropped_and_kept(restarts: int) -> None:
    model, draws, observation = watched("lenet", "dropout", p=0.25, place="both")
    one = space(Solve(), model, observation)
    z = one.start(restarts, torch.Generator().manual_seed(5))
    guess = one.candidate(z)
    for name, draw in draws.items():
        assert guess.latents[name].shape == (restarts, *draw.shape)
        assert guess.latents[name].unique().tolist() == pytest.approx([0, 1 / 0.75])
        assert (guess.latents[name] > 0).float().mean().item() == pytest.approx(0.75, abs=0.05)
        if restarts > 1:
            assert not torch.equal(guess.latents[name][0], guess.latents[name][1])
    far = one.candidate(one.project(z + 5 * torch.randn(z.shape, generator=torch.Generator().manual_seed(6))))
    for name in draws:
        assert far.latents[name].min() == 0
        assert far.latents[name].max().item() == pytest.approx(1 / 0.75)


def test_solved_noise_is_not_clamped() -> None:
    model, _, observation = watched("lenet", "precode", width=6)
    one = space(Solve(), model, observation)
    z = one.project(torch.full((1, one.size), 7.0))
    assert one.candidate(z).latents["slot3.draw"].unique().tolist() == [7]


@pytest.mark.parametrize(("defence", "knobs"), DEFENDED)
def test_at_the_truth_solve_and_told_match_to_zero_and_ignore_does_not(defence: str, knobs: dict[str, object]) -> None:
    """The solved unknowns, set to the client's draws, give the client's update back."""
    model, draws, observation = watched("vit", defence, batch=2, epochs=2, **knobs)
    images = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(1))
    one = space(Solve(), model, observation)
    units = {name: layer.unit for name, layer in stochastic(model)}
    z = torch.cat([images.flatten(), *(draws[name].flatten() / units[name] for name in one.solved)])[None]
    guess = one.candidate(z)
    labels = guess.labels[0]
    solved = local_update(model, guess.images[0], labels, {k: v[0] for k, v in guess.latents.items()}, observation.step)
    ignored = local_update(model, guess.images[0], labels, {}, observation.step)
    for name, seen in observation.update.items():
        torch.testing.assert_close(solved[name], seen, rtol=1e-3, atol=1e-5)
    assert any((ignored[name] - seen).norm() > 0.01 * seen.norm() for name, seen in observation.update.items())


def test_noise_on_the_update_hides_the_mask_and_it_stays_at_its_mean() -> None:
    model, _, observation = watched("lenet", "dropout", p=0.5)
    noise = torch.Generator().manual_seed(0)
    noisy = {k: g + 1e-6 * torch.randn(g.shape, generator=noise) for k, g in observation.update.items()}
    assert drawn(ReadOff(), model, replace(observation, update=noisy)) == {}
