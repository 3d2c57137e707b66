"""Linear inversion gives the picture to rounding, whatever the network does later, or says that it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks import ATTACKS
from gradleak_core.attacks.closed_form.first_layer import AGREES
from gradleak_core.client import local_update
from gradleak_core.config.knobs import refusals
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, RULES, Experiment, Summary, prepare_both, run
from gradleak_core.models import MODELS
from gradleak_core.models.mlp import MLP
from gradleak_core.models.vit import ViT
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep, Finished, Frame, Refused

ATTACK = ATTACKS["linear_inversion"]
UNBIASED = MLP(width=64, depth=3, activation="gelu", bias=False)
BASE = Experiment(images=("sample:eye",), size=16, seed=11, threads=1, attack=ATTACK)
CERTIFIED = {
    "biases": {"model": MLP(width=64)},
    "dropout": {"model": MLP(width=64), "defences": (DEFENCES["dropout"](p=0.5, place="both"),)},
    "PRECODE": {"model": MLP(width=64), "defences": (DEFENCES["precode"](),)},
    "clipped": {"model": MLP(width=64), "defences": (DEFENCES["clipping"](norm=0.01),)},
    "no biases": {"model": UNBIASED},
    "no biases, dropout": {"model": UNBIASED, "defences": (DEFENCES["dropout"](p=0.5, place="both"),)},
    "no biases, not normalised": {"model": replace(UNBIASED, normalise=False, activation="tanh")},
    "bias hidden": {"model": MLP(width=64), "threat": ThreatModel(hidden="linear1.bias")},
    "patches": {"model": ViT(heads=4, depth=1)},
    "patches, dropout": {"model": ViT(heads=4, depth=1), "defences": (DEFENCES["dropout"](p=0.5, place="both"),)},
}
"""Set-ups in which the update leaves one picture only. Two samples with black borders and a dark one are among them."""
UNCERTAIN = {
    "noise": {"model": MLP(width=64), "defences": (DEFENCES["gaussian_noise"](std=1e-3),)},
    "as many patches as the width": {"model": ViT(heads=1, depth=1)},
    "more patches than the width": {"model": ViT(heads=1, depth=1), "size": 32},
}


def invert(**changes: object) -> tuple[Tensor, Tensor, Finished]:
    """The private picture, the answer, and how the attack ended."""
    both = prepare_both(replace(BASE, **changes))  # type: ignore[arg-type]
    *_, end = ATTACK.run(both.model, both.observation, seed=0)
    assert isinstance(end, Finished)
    return both.secret.images, end.pick.images[0], end


@pytest.mark.parametrize("image", ["eye", "hubble", "digit_3", "coin"])
@pytest.mark.parametrize("case", CERTIFIED)
def test_the_picture_is_there_to_rounding_and_certified(case: str, image: str) -> None:
    truth, guess, end = invert(images=(f"sample:{image}",), **CERTIFIED[case])
    assert end.status == "certified"
    assert end.distance <= AGREES
    torch.testing.assert_close(guess, truth, rtol=0, atol=1e-3)
    assert end.pick.labels.argmax() == load_label(image)


def load_label(image: str) -> int:
    return int(prepare_both(replace(BASE, images=(f"sample:{image}",), model=MLP(width=16))).secret.labels[0])


@pytest.mark.parametrize("case", UNCERTAIN)
def test_what_leaves_several_pictures_or_none_is_not_certified(case: str) -> None:
    _, _, end = invert(**UNCERTAIN[case])
    assert end.status == "done"
    assert end.distance > AGREES


def test_a_certified_picture_causes_the_whole_update() -> None:
    both = prepare_both(replace(BASE, model=MLP(width=64)))
    *_, end = ATTACK.run(both.model, both.observation, seed=0)
    assert isinstance(end, Finished)
    again = local_update(both.model, end.pick.images[0], end.pick.labels[0], {}, ClientStep())
    for name, seen in both.observation.update.items():
        torch.testing.assert_close(again[name], seen, rtol=1e-4, atol=1e-6)


def test_a_hidden_first_layer_is_refused_in_a_sentence() -> None:
    for model, hidden in ((MLP(width=64), "linear1.*"), (ViT(heads=4, depth=1), "embedding.position")):
        with pytest.raises(Refused, match="hidden; show it to the attacker"):
            invert(model=model, threat=ThreatModel(hidden=hidden))


def test_it_is_offered_for_one_picture_one_step_and_a_linear_first_layer_only() -> None:
    def said(**changes: object) -> list[str]:
        whole = CODEC.encode(replace(BASE, **({"model": MLP()} | changes)))  # type: ignore[arg-type]
        return refusals(whole, whole, RULES)

    assert not said()
    assert "choose the MLP or the ViT" in "".join(said(model=MODELS["lenet"]()))
    assert "batch of one" in "".join(said(images=("sample:eye", "sample:coin")))
    assert "one local step" in "".join(said(client=ClientStep(local_epochs=2)))


def test_the_run_is_certified_in_its_verdict() -> None:
    experiment = replace(BASE, model=MLP(width=64))
    summary = Summary(experiment, "cpu")
    for event in run(experiment, due=lambda _: True):
        summary.add(event, 0.1)
    result = summary.json()
    assert result["status"] == "certified"
    assert result["verdict"].startswith("Certified after 0.1 s (1 iteration)")
    assert result["iterations_to_recognisable"] == 1


def test_frames_are_scored_like_any_other() -> None:
    frames = [event for event in run(replace(BASE, model=MLP(width=64))) if isinstance(event, Frame)]
    assert frames[-1].metrics["likeness"] > 0.99
