"""Updates that no attack is run on are recognised before the first iteration."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gradleak_core.client import observe
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, Experiment, load, prepare_both, run
from gradleak_core.models import MODELS, build
from gradleak_core.models.convnet import ConvNet
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep, Event, Refused, Secret

FOUR = ("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee")


def certain(*images: str, **changes: Any) -> Experiment:
    """A model of two classes which, untrained, gives class 1 to any grey picture of 64 pixels a side."""
    return Experiment(images, (1,) * len(images), size=64, channels=1, classes=2, **changes)


def refusal(experiment: Experiment) -> str:
    seen: list[Event] = []
    with pytest.raises(Refused) as refused:
        seen.extend(run(load(CODEC.encode(experiment))))
    assert not seen, "it ends before the first iteration"
    return str(refused.value)


@pytest.mark.parametrize("image", ["sample:chelsea", "sample:rocket", "sample:brick"])
def test_a_model_that_is_certain_of_the_label_leaks_nothing(image: str) -> None:
    assert refusal(certain(image)) == (
        "The update is almost zero, so nothing leaks: "
        "the model is already certain of this label and learns nothing from this picture; "
        "choose another label, more classes, other first weights or fewer epochs of training."
    )


def test_what_a_certain_model_leaks_is_no_merit_of_a_defence() -> None:
    noise, each = DEFENCES["gaussian_noise"](), DEFENCES["clipping"](each_example=True)
    assert "already certain of this label" in refusal(certain("sample:flower", defences=(noise,)))
    said = refusal(certain("sample:flower", "sample:china", defences=(each,)))
    assert "already certain of these labels and learns nothing from these pictures" in said


def test_a_batch_in_which_the_model_is_uncertain_of_one_picture_is_attacked() -> None:
    one = Experiment(("sample:flower", "sample:china"), (1, 0), size=64, channels=1, classes=2)
    assert prepare_both(one).observation.batch == 2


def test_an_update_that_is_not_finite_names_the_clients_learning_rate() -> None:
    for local_batch in (0, 1):
        client = ClientStep(local_epochs=5, local_batch=local_batch, lr=10.0)
        assert refusal(Experiment(FOUR, model=ConvNet(), client=client)) == (
            "The client's update is not finite: its training has run off; "
            "lower the client's learning rate, which is 10."
        )


def test_no_defence_hides_that_an_update_is_not_finite() -> None:
    """A sign is finite, and half precision has a largest number."""
    for kind in ("sign", "half_precision", "pruning"):
        client = ClientStep(local_epochs=5, lr=10.0)
        said = refusal(Experiment(FOUR, model=ConvNet(), client=client, defences=(DEFENCES[kind](),)))
        assert "lower the client's learning rate" in said


@pytest.mark.parametrize(("local_epochs", "rounds"), [(1, 1), (3, 1), (1, 2)])
def test_weights_that_are_not_finite_are_not_blamed_on_the_client(local_epochs: int, rounds: int) -> None:
    model = build(MODELS["mlp"](), (1, 16, 16), 4, seed=0)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.inf)
    secret = Secret(torch.full((1, 1, 16, 16), 0.5), torch.tensor([1]), {})
    with pytest.raises(Refused, match="the model's weights are too large; choose smaller first weights"):
        observe(model, secret, ClientStep(local_epochs), (), classes=4, seed=0, threat=ThreatModel(rounds=rounds))


def test_an_update_of_which_nothing_is_left_is_not_attacked() -> None:
    nothing = DEFENCES["pruning"](share=0.9999)
    said = refusal(Experiment(size=16, channels=1, classes=2, defences=(nothing,)))
    assert (
        said == "All that the attacker sees of the update is zero, so nothing leaks; "
        "weaken the defences or hide fewer layers."
    )
