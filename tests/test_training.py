"""Trained victims: they learn, are kept, and are what the attacked client computes with."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load, save
from torch import nn

from gradleak_core import training
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment, network, prepare_both, preparing, run, shape
from gradleak_core.models.convnet import ConvNet
from gradleak_core.models.mlp import MLP
from gradleak_core.speed import threads
from gradleak_core.training import Trained
from gradleak_core.types import Note, Refused, Started

SMALL = Experiment(images=("sample:digit_3",), size=16, channels=1, model=MLP(width=64), weights=Trained(epochs=2))


def notes(experiment: Experiment) -> list[str]:
    return [note.message for note in preparing(experiment, "cpu")]


def pictures(experiment: Experiment, name: str = "digits") -> Labelled:
    reading = read_labelled(name, shape(experiment))
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return end.value


def accuracy(experiment: Experiment) -> float:
    return training.evaluate_accuracy(prepare_both(experiment).model, pictures(experiment))


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "weights").iterdir())


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.contract
@pytest.mark.parametrize(
    "defences", [(), (Precode(width=32),), (Dropout(p=0.25),)], ids=["plain", "precode", "dropout"]
)
def test_five_epochs_recognise_digits_that_were_held_out(defences: tuple) -> None:
    experiment = replace(SMALL, defences=defences, weights=Trained(epochs=5))
    assert accuracy(replace(experiment, weights=Trained(epochs=0))) < 0.4
    assert accuracy(experiment) > 0.8


def test_batch_norm_is_left_with_the_statistics_of_the_training_pictures() -> None:
    experiment = replace(SMALL, model=ConvNet(width=8), weights=Trained(epochs=1))
    assert accuracy(experiment) > 0.7
    before, after = network(experiment).state_dict(), prepare_both(experiment).model.state_dict()
    running = [name for name in before if name.endswith("running_mean")]
    assert running
    assert not any(torch.equal(before[name], after[name]) for name in running)


def test_the_second_time_nothing_is_trained_and_every_bit_is_the_same(data_folder: Path) -> None:
    first = prepare_both(SMALL)
    assert len(kept(data_folder)) == 1
    assert notes(SMALL) == []
    second = prepare_both(SMALL)
    assert same(first.model, second.model)
    assert all(torch.equal(g, second.observation.update[k]) for k, g in first.observation.update.items())


@pytest.mark.parametrize(
    "other",
    [replace(SMALL, seed=1), replace(SMALL, size=18), replace(SMALL, model=MLP(width=65)),
     replace(SMALL, weights=Trained(epochs=2, lr=2e-3)), replace(SMALL, defences=(Dropout(),))],
)  # fmt: skip
def test_another_set_up_is_trained_anew(other: Experiment) -> None:
    prepare_both(SMALL)
    assert notes(other)[-1].startswith("Trained on")


def halved(whole: bytes) -> bytes:
    """The same numbers in another type, with a digest that would fit if they were right."""
    return save({name: tensor.bfloat16() for name, tensor in load(whole).items()}, {"digest": "0"})


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "another type": halved,
    "one bit": lambda whole: whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_file_is_replaced_by_the_same_weights(data_folder: Path, damage: str) -> None:
    first, [file] = copy.deepcopy(prepare_both(SMALL).model), kept(data_folder)
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert len(notes(SMALL)) > 1
    assert kept(data_folder) == [file]
    assert same(first, prepare_both(SMALL).model)
    assert notes(SMALL) == []


def test_a_longer_training_goes_on_from_a_shorter_one_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (replace(SMALL, weights=Trained(epochs=epochs)) for epochs in (1, 2))
    at_once = prepare_both(two).model
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "other"))
    prepare_both(one)
    said = notes(two)
    first = next(message for message in said if message.startswith("Training"))
    assert first == "Training on the built-in digits: epoch 2 of 2, 0%."
    assert same(at_once, prepare_both(two).model)


def test_trained_weights_change_what_the_attacker_sees() -> None:
    untrained = prepare_both(replace(SMALL, weights=Trained(epochs=0))).observation.update
    trained = prepare_both(SMALL).observation.update
    assert all(not torch.equal(trained[name], g) for name, g in untrained.items())


def test_it_trains_with_all_threads_so_that_the_weights_do_not_hang_on_how_many_the_attack_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "ALL_THREADS", 2)
    torch.set_num_threads(1)
    used = [torch.get_num_threads() for note in preparing(SMALL, "cpu") if note.message.startswith("Training")]
    assert set(used) == {2}
    assert torch.get_num_threads() == 1


def test_a_run_says_that_it_trains_before_it_begins() -> None:
    events = run(SMALL, due=lambda iteration: False)
    heard = []
    for event in events:
        if isinstance(event, Started):
            break
        heard.append(event)
    events.close()  # type: ignore[attr-defined]
    assert {type(event) for event in heard} == {Note}
    assert any(event.message.startswith("Training on the built-in digits: epoch 2 of 2, ") for event in heard)


@pytest.mark.parametrize(
    ("experiment", "sentence"),
    [
        (replace(SMALL, classes=9), "digits has 10 classes and the model only 9; raise the number of classes."),
        (
            replace(SMALL, weights=Trained("digit")),
            "There is no data set 'digit' to train on; choose from",
        ),
        (replace(SMALL, weights=Trained("folder:pets")), "There is no folder 'folder:pets'"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(experiment: Experiment, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        prepare_both(experiment)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).count(". ") == 0


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes that brightness tells apart."""
    for name, level in (("cat", 60), ("dog", 190)):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for index in range(20):
            Image.new("L", (12, 12), level + index).save(folder / f"{index:02}.png")
    monkeypatch.setenv("GRADLEAK_DATASETS", str(tmp_path / "pets"))
    return tmp_path / "pets"


def test_a_folder_of_pictures_is_learnt_and_noticed_when_it_changes(pets: Path) -> None:
    experiment = replace(SMALL, weights=Trained("folder:pets", epochs=30))
    said = notes(experiment)
    assert said[-1] == "Trained on folder:pets: 100.0% of the held-out pictures are recognised."
    assert notes(experiment) == []
    Image.new("L", (12, 12), 70).save(pets / "cat" / "99.png")
    assert len(notes(experiment)) > 1


def test_a_damaged_picture_of_a_folder_is_named(pets: Path) -> None:
    (pets / "dog" / "07.png").write_bytes(b"no picture")
    with pytest.raises(Refused, match=r"dog/07\.png cannot be used for training; remove or replace it\."):
        prepare_both(replace(SMALL, weights=Trained("folder:pets")))


@pytest.fixture
def split(pets: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same pets in train and test; the test folder lacks the first class of the training folder."""
    folder = pets.parent / "split"
    (folder / "test").mkdir(parents=True)
    pets.rename(folder / "train")
    shutil.copytree(folder / "train" / "dog", folder / "test" / "dog")
    monkeypatch.setenv("GRADLEAK_DATASETS", str(folder))
    return folder


def test_held_out_pictures_keep_the_labels_of_the_training_folder(split: Path) -> None:
    found = pictures(SMALL, "folder:split")
    assert found.labels.tolist() == [0] * 20 + [1] * 20
    assert found.test_labels.tolist() == [1] * 20
    said = notes(replace(SMALL, weights=Trained("folder:split", epochs=30)))
    assert said[-1] == "Trained on folder:split: 100.0% of the held-out pictures are recognised."


def test_a_held_out_class_that_was_never_learnt_is_named(split: Path) -> None:
    shutil.copytree(split / "test" / "dog", split / "test" / "fox")
    with pytest.raises(Refused, match="The class 'fox' of split/test is not in the train folder beside it"):
        prepare_both(replace(SMALL, weights=Trained("folder:split")))
