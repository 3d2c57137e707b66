"""What the attacker is assumed to have: every assumption against a slow account of it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.inversion.objective import Objective
from gradleak_core.attacks.parts.distances import Squared
from gradleak_core.attacks.parts.labels import LABELS
from gradleak_core.attacks.parts.priors import BatchStatistics, Scene
from gradleak_core.attacks.parts.stances import Told
from gradleak_core.attacks.parts.unknowns import Space
from gradleak_core.catalogue import catalogue
from gradleak_core.client import local_update, observe
from gradleak_core.config.admission import admit
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.experiment import CODEC, Experiment, load, prepare_both, run
from gradleak_core.models import MODELS, build
from gradleak_core.models.statistics import inferred, statistics
from gradleak_core.onlooker import Prepared
from gradleak_core.threat import ThreatModel
from gradleak_core.types import Candidate, ClientStep, Finished, Latents, Observation, Refused, Secret
from gradleak_core.updates import Observed

SHAPE, CLASSES, ONE = (3, 16, 16), 5, ClientStep()
NAMES = [f"{layer}.{part}" for layer in ("conv1", "conv2", "conv3", "classifier") for part in ("weight", "bias")]


def lenet() -> nn.Module:
    return build(MODELS["lenet"](), SHAPE, CLASSES, seed=0)


def private(count: int = 3) -> Secret:
    images = torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(0))
    return Secret(images, torch.arange(count), {})


def seen(threat: ThreatModel, step: ClientStep = ONE, defences: tuple[Defence, ...] = ()) -> Observation:
    return observe(lenet(), private(), step, defences, classes=CLASSES, told=["labels"], seed=1, threat=threat)


class TestHidden:
    @pytest.mark.parametrize(
        ("pattern", "left"),
        [
            ("", NAMES),
            ("classifier.*", NAMES[:6]),
            ("classifier.weight", [*NAMES[:6], "classifier.bias"]),
            (" conv1.* ,, *.bias", ["conv2.weight", "conv3.weight", "classifier.weight"]),
            ("conv[12].*", NAMES[4:]),
        ],
    )
    def test_what_fits_a_pattern_is_not_seen_in_any_round(self, pattern: str, left: list[str]) -> None:
        observation = seen(ThreatModel(hidden=pattern, rounds=2))
        assert list(observation.update) == left
        assert list(observation.later[0].update) == left
        assert list(observation.later[0].theta) == NAMES

    def test_the_rest_is_as_it_was(self) -> None:
        whole, part = seen(ThreatModel()), seen(ThreatModel(hidden="conv2.*"))
        assert all(torch.equal(g, whole.update[k]) for k, g in part.update.items())

    @pytest.mark.parametrize(
        ("pattern", "words"),
        [("conv9.*", "No parameter is called conv9"), ("*", "Every layer is hidden"), ("conv*, cl*", "Every layer")],
    )
    def test_a_pattern_that_fits_nothing_or_everything_is_refused(self, pattern: str, words: str) -> None:
        with pytest.raises(Refused, match=words):
            seen(ThreatModel(hidden=pattern))

    @pytest.mark.parametrize("kind", [kind for kind in LABELS if kind not in ("known_labels", "optimised_labels")])
    def test_labels_cannot_be_read_off_a_hidden_classifier(self, kind: str) -> None:
        with pytest.raises(Refused, match="is hidden; show it"):
            LABELS[kind]().read(lenet(), seen(ThreatModel(hidden="classifier.*")))

    def test_an_attack_on_some_layers_runs_and_its_match_is_theirs(self) -> None:
        attack = replace(recipe("inverting_gradients"), steps=3)
        experiment = quick(attack=attack, threat=ThreatModel(hidden="classifier.*,conv1.*"))
        last = list(run(experiment, due=lambda i: False))[-1]
        assert isinstance(last, Finished)
        both = prepare_both(experiment)
        update = local_update(both.model, last.pick.images[0], last.pick.labels[0], {}, experiment.client)
        distance = attack.distance.to(Observed(both.observation.update))({k: g[None] for k, g in update.items()})
        assert distance.item() == pytest.approx(last.distance, rel=1e-3)
        assert set(both.observation.update) == {"conv2.weight", "conv2.bias", "conv3.weight", "conv3.bias"}


STEPS = [ClientStep(lr=0.1), ClientStep(local_epochs=2, local_batch=2, lr=0.05)]


class TestRounds:
    @pytest.mark.parametrize("step", STEPS)
    def test_later_models_are_the_clients_own_sgd_carried_on(self, step: ClientStep) -> None:
        """The server applies lr times the update, so that the next model is where the client ended."""
        model, secret = lenet(), private()
        trained = deepcopy(model)
        optimiser = torch.optim.SGD(trained.parameters(), lr=step.lr)
        later = seen(ThreatModel(rounds=4), step).later
        assert len(later) == 3
        for entry in later:
            for rows in step.rows(3):
                optimiser.zero_grad()
                F.cross_entropy(trained(secret.images[rows]), secret.labels[rows]).backward()
                optimiser.step()
            for (name, expected), got in zip(trained.named_parameters(), entry.theta.values(), strict=True):
                torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-5, msg=name)
            y = F.one_hot(secret.labels, CLASSES).float()
            again = local_update(trained, secret.images, y, {}, step)
            for name, got in entry.update.items():
                torch.testing.assert_close(got, again[name], rtol=1e-2, atol=1e-4)

    def test_the_server_goes_on_from_what_the_defence_let_out(self) -> None:
        noise = (DEFENCES["gaussian_noise"](std=0.5),)  # type: ignore[call-arg]
        observation = seen(ThreatModel(rounds=2), ClientStep(lr=0.2), noise)
        for (name, start), moved in zip(lenet().named_parameters(), observation.later[0].theta.values(), strict=True):
            torch.testing.assert_close(moved, start.detach() - 0.2 * observation.update[name])
        assert not torch.allclose(
            observation.update["conv1.bias"], observation.later[0].update["conv1.bias"], atol=0.01
        )

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("restarts", [1, 2])
    def test_the_match_of_two_rounds_is_the_sum_of_both(self, step: ClientStep, restarts: int) -> None:
        model, observation = lenet(), seen(ThreatModel(rounds=2), step)
        attack = replace(recipe("inverting_gradients"), distance=Squared(), priors=())
        generator = torch.Generator().manual_seed(0)
        space = Space(attack.unknowns, observation.labels, observation, attack.stance, model, generator)
        z = space.start(restarts, generator)
        distance, _ = Objective(attack.distance, attack.matched, (), model, observation, space, restarts).distance(z)
        moved = lenet()
        moved.load_state_dict({**moved.state_dict(), **observation.later[0].theta})
        for s in range(restarts):
            guess, total = space.candidate(z[s : s + 1]), 0.0
            for start, shared in ((model, observation.update), (moved, observation.later[0].update)):
                update = local_update(start, guess.images[0], guess.labels[0], {}, step)
                total += sum(float((update[k] - g).square().sum()) for k, g in shared.items())
            assert distance[s].item() == pytest.approx(total, rel=1e-3)

    def test_one_round_has_nothing_later(self) -> None:
        assert seen(ThreatModel()).later == ()


class TestLocalSteps:
    step = ClientStep(local_epochs=2, local_batch=2, lr=0.05)

    def test_known_keeps_the_clients_step(self) -> None:
        assert seen(ThreatModel(), self.step).step == self.step

    def test_one_takes_the_mean_gradient_for_a_single_one(self) -> None:
        known, one = (seen(ThreatModel(local_steps=kind, rounds=2), self.step) for kind in ("known", "one"))
        assert self.step.steps(3) == 4
        assert one.step.steps(3) == 1
        for name, total in known.update.items():
            torch.testing.assert_close(one.update[name], total / 4)
            torch.testing.assert_close(one.later[0].update[name], known.later[0].update[name] / 4)
            assert torch.equal(one.later[0].theta[name], known.later[0].theta[name])

    def test_draws_that_are_told_fit_the_single_step(self) -> None:
        """Steps too small to move the weights: their mean gradient is that of the batch, with each image's own draw."""
        both = prepare_both(
            quick(
                images=("sample:coffee", "sample:rocket") * 2,
                labels=(0, 1, 2, 3),
                client=ClientStep(local_batch=2, lr=1e-6),
                threat=ThreatModel(local_steps="one"),
                defences=(DEFENCES["dropout"](place="both"),),  # type: ignore[call-arg]
                attack=replace(recipe("inverting_gradients"), stance=Told()),
            )
        )
        seen, labels = both.observation, F.one_hot(both.secret.labels, both.observation.classes).float()
        assert seen.latents
        found = local_update(both.model, both.secret.images, labels, seen.latents, seen.step)
        for name, g in found.items():
            torch.testing.assert_close(seen.update[name], g, rtol=1e-3, atol=1e-5)

    def test_with_one_local_step_both_are_the_same(self) -> None:
        known, one = (seen(ThreatModel(local_steps=kind)) for kind in ("known", "one"))
        assert all(torch.equal(known.update[k], one.update[k]) for k in NAMES)


class TestStatistics:
    @pytest.mark.parametrize("kind", ["unknown", "told", "inferred"])
    def test_the_attacker_has_them_only_when_the_threat_model_says_so(self, kind: Any) -> None:
        client = ClientStep(train=True)
        both = prepare_both(quick(model=MODELS["convnet"](), client=client, threat=ThreatModel(statistics=kind)))
        found = both.observation.statistics
        if kind == "unknown":
            assert found is None
            return
        expected = {"told": statistics, "inferred": inferred}[kind](both.model, both.secret.images, {})
        assert found is not None
        for name, pair in expected.items():
            for got, want in zip(found[name], pair, strict=True):
                torch.testing.assert_close(got, want)

    def test_they_are_those_of_what_the_client_trained_on(self) -> None:
        noise = (DEFENCES["input_noise"](std=0.3),)  # type: ignore[call-arg]
        threat, client = ThreatModel(statistics="told"), ClientStep(train=True)
        plain, noisy = (
            prepare_both(
                quick(model=MODELS["convnet"](), client=client, threat=threat, defences=d)
            ).observation.statistics
            for d in ((), noise)
        )
        assert plain is not None
        assert noisy is not None
        assert not torch.allclose(plain["norm1"][1], noisy["norm1"][1], rtol=0.1)

    @pytest.mark.parametrize("mode", ["same", "eval"])
    @pytest.mark.parametrize("kind", ["told", "inferred"])
    @pytest.mark.parametrize("model", ["resnet18", "convnet"])
    def test_the_private_pictures_have_them(self, model: str, kind: Any, mode: Any) -> None:
        """Inferred ones are rounded by 6e-8 over the momentum of 0.1, in some 10,000 numbers."""
        threat = ThreatModel(statistics=kind, mode=mode)
        both = prepare_both(quick(size=64, model=MODELS[model](), client=ClientStep(train=True), threat=threat))
        assert cost(both, {}) <= 1e-4

    @pytest.mark.parametrize("steps", ["known", "one"])
    def test_the_private_pictures_have_them_with_the_clients_own_masks(self, steps: Any) -> None:
        """Mini-batches, so that each picture's first mask is not in the first local step."""
        both = prepare_both(
            quick(
                images=("sample:coffee", "sample:rocket") * 2,
                model=MODELS["resnet20"](),
                client=ClientStep(local_epochs=2, local_batch=2, train=True),
                threat=ThreatModel(statistics="told", local_steps=steps),
                defences=(DEFENCES["dropout"](place="both"),),  # type: ignore[call-arg]
                attack=replace(recipe("inverting_gradients"), stance=Told()),
            )
        )
        assert both.observation.latents
        assert cost(both, both.observation.latents) <= 1e-4
        assert cost(both, {}) > 1


@torch.no_grad()
def cost(both: Prepared, draws: Latents) -> float:
    """The prior on batch statistics at the private pictures; it looks at no labels."""
    images = both.secret.images[None]
    truth = Candidate(images, torch.empty(0), {k: v[None] for k, v in draws.items()})
    return float(BatchStatistics()(truth, Scene(both.model, both.observation, torch.zeros(1))))


def test_an_attacker_in_eval_mode_computes_otherwise_than_the_client() -> None:
    client = ClientStep(train=True)
    same, other = (
        prepare_both(quick(model=MODELS["convnet"](), client=client, threat=ThreatModel(mode=mode)))
        for mode in ("same", "eval")
    )
    assert (same.model.training, other.model.training) == (True, False)
    for name, g in same.observation.update.items():
        assert torch.equal(g, other.observation.update[name])


def recipe(name: str) -> Recipe:
    return RECIPES[name]


def quick(**changes: Any) -> Experiment:
    base = Experiment(images=("sample:chelsea", "sample:coffee"), size=16, attack=recipe("inverting_gradients"))
    return replace(base, **changes)


ROUNDS = "Several rounds draw dropout or PRECODE's noise anew each time, which is not built; choose one round."
INFERRED = "Statistics can only be inferred from a client in train mode with one local step; change one of them."
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "rounds with dropout": ({"threat": {"rounds": 2}, "defences": [{"kind": "dropout"}]}, ROUNDS),
    "rounds with precode": ({"threat": {"rounds": 3}, "defences": [{"kind": "precode"}]}, ROUNDS),
    "inferred in eval mode": ({"threat": {"statistics": "inferred"}}, INFERRED),
    "inferred from several steps": (
        {"threat": {"statistics": "inferred"}, "client": {"train": True, "local_epochs": 2}},
        INFERRED,
    ),
    "too many rounds": ({"threat": {"rounds": 9}}, "threat.rounds must lie between 1 and 8, not 9."),
    "no such mode": ({"threat": {"mode": "train"}}, "threat.mode must be one of same, eval, not 'train'."),
    "no such field": (
        {"threat": {"hiden": ""}},
        "threat.hiden is not known here; choose from hidden, local_steps, mode, statistics, rounds.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_assumed_is_refused_alike_at_the_door_and_in_the_engine(case: str) -> None:
    changes, words = REFUSED[case]
    for refuse in (load, lambda json: admit(json, catalogue())):
        with pytest.raises(Refused) as refusal:
            refuse(CODEC.encode(quick()) | changes)
        assert str(refusal.value) == words


def test_what_can_be_assumed_is_let_in() -> None:
    good: list[dict[str, Any]] = [
        {"threat": {"rounds": 8}},
        {"threat": {"statistics": "inferred"}, "client": {"train": True}},
        {"threat": {"statistics": "told", "mode": "eval", "local_steps": "one", "hidden": "conv1.*"}},
        {"threat": {"rounds": 1}, "defences": [{"kind": "precode"}]},
    ]
    for changes in good:
        admitted = admit(CODEC.encode(quick()) | changes, catalogue())
        assert CODEC.encode(load(admitted)) == admitted
