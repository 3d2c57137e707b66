"""Experiments end to end on the CPU: reproducible, honest, and refused in one sentence."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.parts.priors import BatchStatistics
from gradleak_core.client import local_update
from gradleak_core.config.knobs import refusals
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, RULES, Experiment, Summary, load, prepare_both, run, threads
from gradleak_core.models import MODELS
from gradleak_core.onlooker import make_frame
from gradleak_core.presets import PRESETS
from gradleak_core.types import Candidate, ClientStep, Event, Finished, Frame, Progress, Refused, Secret


def quick(**changes: Any) -> Experiment:
    attack = RECIPES["idlg"]
    steps = changes.pop("steps", 6)
    return replace(Experiment(images=("sample:chelsea",), size=24, attack=replace(attack, steps=steps)), **changes)


def played(experiment: Experiment, every: int = 3) -> list[Event]:
    return list(run(experiment, due=lambda i: i % every == 0))


def frames(events: list[Event]) -> list[Frame]:
    return [event for event in events if isinstance(event, Frame)]


def test_an_experiment_from_its_json_gives_the_same_bits() -> None:
    first = quick(defences=(DEFENCES["gaussian_noise"](std=0.01), DEFENCES["dropout"](p=0.3)))
    again = load(json.loads(json.dumps(CODEC.encode(first))))
    assert again == first
    for a, b in zip(frames(played(first)), frames(played(again)), strict=True):
        assert a.metrics == b.metrics
        assert torch.equal(a.images, b.images)


def test_watching_does_not_change_the_attack() -> None:
    often, seldom = (played(quick(), every)[-1] for every in (1, 100))
    assert isinstance(often, Finished)
    assert isinstance(seldom, Finished)
    assert torch.equal(often.pick.images, seldom.pick.images)


def test_frames_come_when_due_and_at_the_end() -> None:
    assert [frame.iteration for frame in frames(played(quick(steps=7), every=3))] == [3, 6, 7]


@pytest.mark.parametrize("kind", DEFENCES)
def test_every_defence_runs_with_every_kind_of_client(kind: str) -> None:
    for client in (ClientStep(), ClientStep(local_epochs=2, local_batch=1)):
        images = ("sample:chelsea", "sample:coffee")
        last = played(quick(images=images, defences=(DEFENCES[kind](),), client=client, steps=2))[-1]
        assert isinstance(last, Finished)


@pytest.mark.contract
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.sweep] * (kind == "resnet18")) for kind in MODELS]
)
@pytest.mark.parametrize("name", RECIPES)
def test_every_model_meets_every_attack(kind: str, name: str) -> None:
    attack = replace(RECIPES[name], steps=2, restarts=2)
    experiment = quick(model=MODELS[kind](), attack=attack, size=16, channels=1)
    whole = CODEC.encode(experiment)
    if reasons := refusals(whole, whole, RULES):
        with pytest.raises(Refused, match=re.escape(reasons[0])):
            load(whole)
        return
    assert load(whole) == experiment
    shown = frames(played(experiment))[-1]
    assert shown.images.shape == (1, 1, 16, 16)
    assert set(shown.layers) == set(prepare_both(experiment).observation.update)


@pytest.mark.parametrize("name", RECIPES)
def test_an_attack_is_refused_by_a_lack_of_batch_norm_and_by_nothing_else(name: str) -> None:
    """In the usual set-up, whatever the model."""
    by_statistics = any(isinstance(prior, BatchStatistics) for prior in RECIPES[name].priors)
    for kind, model in MODELS.items():
        whole = CODEC.encode(quick(model=model(), attack=RECIPES[name]))
        lacking = by_statistics and "batch_norm" not in model.facts
        assert bool(refusals(whole, whole, RULES)) is lacking, kind


def test_the_attack_on_a_small_network_finds_the_picture() -> None:
    experiment = quick(steps=400, seed=12345)
    result = frames(played(experiment, 50))[-1]
    assert result.metrics["ssim"] > 0.6
    assert result.metrics["label_accuracy"] == 1
    assert result.labels == (1,)


def test_a_batch_is_paired_before_it_is_shown() -> None:
    images = ("sample:chelsea", "sample:rocket")
    experiment = quick(images=images, steps=500, seed=3)
    shown = frames(played(experiment, 100))[-1]
    truth = prepare_both(experiment).secret.images
    own = (shown.images - truth).square().mean((1, 2, 3))
    crossed = (shown.images.flip(0) - truth).square().mean((1, 2, 3))
    assert (own < crossed).all()


def test_pictures_labels_and_score_share_one_order_even_out_of_range() -> None:
    """A guess so bright that its squared error would pair it with the wrong picture if it were not clamped first."""
    both = prepare_both(replace(Experiment(), images=("sample:astronaut", "sample:coffee"), size=16))
    truth, guess = torch.ones(2, 3, 16, 16), torch.ones(2, 3, 16, 16)
    truth[0, :, 8:], truth[1, :, :8] = 0.5, 0.9
    guess[0, :, :8], guess[0, :, 8:], guess[1, :, 8:] = 9, 0.95, 0.5
    both = replace(both, secret=Secret(truth, torch.tensor([3, 7]), {}))
    labels = torch.nn.functional.one_hot(torch.tensor([[7, 3]]), 10).float()
    shown = make_frame(both, 1, Candidate(guess[None], labels, {}), 0.5, 0)
    assert shown.labels == (3, 7)
    assert torch.equal(shown.images, guess.flip(0).clamp(0, 1))
    assert shown.metrics["mse"] == pytest.approx(float((shown.images - truth).square().mean()), rel=1e-5)


@pytest.mark.parametrize("defence", [None, "dropout", "precode"])
def test_the_update_on_show_is_the_plain_one_at_every_frame(defence: str | None) -> None:
    """Twelve frames and more, since the computation is recorded meanwhile; a guess may come with draws of its own."""
    both = prepare_both(replace(quick(), defences=(DEFENCES[defence](),) if defence else (), threads=1))
    for seed in range(14):
        torch.manual_seed(seed)
        x, y = torch.rand_like(both.secret.images), torch.rand(1, 10).softmax(1)
        for latents in ({}, both.secret.latents):
            plain = local_update(both.model, x, y, latents, both.observation.step)
            shown = both.update(x, y, latents)
            assert [*shown] == [*plain]
            assert all(torch.equal(shown[name], plain[name]) for name in plain)


def test_the_summary_says_all_that_a_run_was() -> None:
    experiment = quick()
    summary = Summary(experiment, "cpu")
    for second, event in enumerate(played(experiment)):
        summary.add(event, float(second))
    result = json.loads(json.dumps(summary.json()))
    assert load(result["experiment"]) == replace(experiment, threads=threads(experiment))
    assert result["status"] == "done"
    assert set(result["metrics"]) == {"mse", "rmse", "psnr", "ssim", "likeness", "label_accuracy", "distance"}
    assert result["iterations"] == 6
    assert result["seconds_to_recognisable"] is None
    assert result["device"] == "cpu"


def test_progress_carries_the_device_tensors_only() -> None:
    progress = next(event for event in played(quick()) if isinstance(event, Progress))
    assert isinstance(progress.best, torch.Tensor)
    assert progress.pick().images.shape == (1, 1, 3, 24, 24)


BAD = {
    "classes": ({"classes": 1}, "classes must lie between 2 and 1000"),
    "label": ({"labels": [10]}, "Label 10, of picture 1, is not one of the model's 10 classes"),
    "labels": ({"labels": [1, 2]}, "2 labels were given for 1 pictures"),
    "no image": ({"images": []}, "images must hold 1 to 16 entries, not 0"),
    "too many": ({"images": ["sample:coffee"] * 17}, "images must hold 1 to 16 entries, not 17"),
    "unknown sample": ({"images": ["sample:astronaud"]}, "did you mean 'sample:astronaut'"),
    "model": ({"model": {"kind": "lenett"}}, "choose from mlp, lenet"),
    "size for the model": ({"model": {"kind": "vit"}, "size": 30}, "the patch divides"),
    "field": ({"sise": 32}, "sise is not known"),
    "type": ({"size": "big"}, "size must be a whole number"),
    "not finite": ({"client": {"lr": float("nan")}}, "client.lr must lie between"),
    "bias": ({"model": {"kind": "mlp", "bias": False}, "attack": "bias_rule"}, "reads the classifier's bias"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence(case: str) -> None:
    changes, words = BAD[case]
    written = CODEC.encode(quick())
    if changes.get("attack") == "bias_rule":
        changes = changes | {"attack": written["attack"] | {"labels": {"kind": "bias_rule"}}}
    with pytest.raises(Refused, match=words) as refusal:
        played(load(written | changes))
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).endswith((".", "?"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_can_be_run(preset: Any) -> None:
    assert load(CODEC.encode(preset.experiment)) == preset.experiment
    shorter = replace(preset.experiment, attack=replace(preset.experiment.attack, steps=2))
    assert isinstance(played(shorter)[-1], Finished)
