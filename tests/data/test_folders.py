"""Folders of images by class: listed without torch, loaded by reference, never left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from gradleak_core.data import folders, label_names
from gradleak_core.data.images import load_image
from gradleak_core.types import Refused


def fill(folder: Path, colour: str, names: tuple[str, ...] = ("0.png", "1.jpg")) -> None:
    folder.mkdir(parents=True)
    for name in names:
        Image.new("RGB", (12, 12), colour).save(folder / name)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`pets` holds classes, one of them empty; `shapes` holds train and test; one of those named is missing.

    `shapes/test` lacks two classes of `shapes/train`, of which one is empty, and has one that is unknown there.
    """
    fill(tmp_path / "pets" / "dog", "black")
    fill(tmp_path / "pets" / "cat", "white", ("0.png", "1.jpg", "2.PNG"))
    fill(tmp_path / "pets" / ".hidden", "red")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("not a picture")
    (tmp_path / "pets" / "empty").mkdir()
    (tmp_path / "pets" / "ant").mkdir()
    for name in ("3", "10"):
        fill(tmp_path / "shapes" / "train" / name, "red")
    (tmp_path / "shapes" / "train" / "9").mkdir()
    fill(tmp_path / "shapes" / "test" / "7", "red")
    fill(tmp_path / "shapes" / "test" / "10", "blue")
    named = [tmp_path / "pets", tmp_path / "shapes", tmp_path / "missing"]
    monkeypatch.setenv("GRADLEAK_DATASETS", os.pathsep.join(map(str, named)))
    return tmp_path / "pets"


@pytest.mark.usefixtures("pets")
def test_folders_are_listed_with_their_classes() -> None:
    assert folders.folders() == {
        "pets": {"ant": 0, "cat": 3, "dog": 2, "empty": 0},
        "shapes/train": {"3": 2, "9": 0, "10": 2},
        "shapes/test": {"3": 0, "9": 0, "10": 2},
    }


@pytest.mark.usefixtures("pets")
def test_items_can_be_loaded_as_they_are_listed() -> None:
    assert folders.items("pets", "dog") == ["folder:pets/dog/0.png", "folder:pets/dog/1.jpg"]
    image, label = load_image(folders.items("pets", "dog")[0], 8, 3)
    assert torch.equal(image, torch.zeros(1, 3, 8, 8))
    assert label == 2
    image, label = load_image(folders.items("shapes/test", "10")[0], 8, 3)
    assert image.mean((0, 2, 3)).tolist() == [0, 0, 1]
    assert label == load_image("folder:shapes/train/10/0.png", 8, 3)[1] == 2
    assert label_names("folder:shapes/test/10/0.png") == ["3", "9", "10"]


@pytest.mark.usefixtures("pets")
def test_a_class_without_a_number_is_refused_by_name() -> None:
    sentence = "The class '7' of shapes/test is not in the train folder beside it, whose classes number the labels; "
    for refuse in (lambda: load_image("folder:shapes/test/7/0.png", 8, 3), lambda: folders.files("shapes/test")):
        with pytest.raises(Refused) as refused:
            refuse()
        assert str(refused.value) == sentence + "add it there or remove it here."


def test_a_test_folder_without_a_train_folder_has_its_own_numbers(pets: Path) -> None:
    (pets.parent / "shapes" / "train").rename(pets.parent / "shapes" / "trained")
    assert folders.folders()["shapes/test"] == {"7": 2, "10": 2}
    assert load_image("folder:shapes/test/10/0.png", 8, 3)[1] == 1


def test_a_new_file_is_seen_and_moves_no_number(pets: Path) -> None:
    assert folders.folders()["pets"]["dog"] == 2
    Image.new("RGB", (12, 12), "orange").save(pets / "empty" / "0.png")
    assert folders.folders()["pets"] == {"ant": 0, "cat": 3, "dog": 2, "empty": 1}


def test_two_folders_of_one_name_are_both_listed(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(pets.parent / "other" / "pets" / "owl", "white")
    monkeypatch.setenv("GRADLEAK_DATASETS", os.pathsep.join([str(pets), str(pets.parent / "other" / "pets")]))
    assert [list(classes) for classes in folders.folders().values()] == [["ant", "cat", "dog", "empty"], ["owl"]]
    assert folders.items("pets-2", "owl") == ["folder:pets-2/owl/0.png", "folder:pets-2/owl/1.jpg"]


@pytest.mark.usefixtures("pets")
@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("folder:pets/dig/0.png", "did you mean 'folder:pets/dog'"),
        ("folder:pets/dog/2.png", "did you mean 'folder:pets/dog/0.png'"),
        ("folder:shapes/tets/10/0.png", "did you mean 'folder:shapes/test/10'"),
        ("folder:pets/ant/0.png", "There is no image"),
        ("folder:pets/.hidden/0.png", "There is no image"),
        ("folder:pets/cat/notes.txt", "There is no image"),
        ("folder:pets/../pets/dog/0.png", "There is no image"),
        ("folder:pets/dog/..", "There is no image"),
        ("folder:", "There is no image"),
    ],
)
def test_what_is_not_listed_is_refused(reference: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        load_image(reference, 8, 3)


def test_a_damaged_file_is_refused(pets: Path) -> None:
    (pets / "dog" / "0.png").write_bytes(b"nonsense")
    with pytest.raises(Refused, match="not a picture"):
        load_image("folder:pets/dog/0.png", 8, 3)


def test_without_folders_the_variable_is_named() -> None:
    assert folders.folders() == {}
    with pytest.raises(Refused, match="GRADLEAK_DATASETS"):
        load_image("folder:pets/dog/0.png", 8, 3)
