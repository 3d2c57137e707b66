"""Folders of images by class: listed without torch, loaded by reference, never left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from gradleak_core.data import folders, label_names
from gradleak_core.data.images import load
from gradleak_core.types import Refused


def fill(folder: Path, colour: str, names: tuple[str, ...] = ("0.png", "1.jpg")) -> None:
    folder.mkdir(parents=True)
    for name in names:
        Image.new("RGB", (12, 12), colour).save(folder / name)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`pets` holds classes, `shapes` holds train and test, and one of those named is missing."""
    fill(tmp_path / "pets" / "dog", "black")
    fill(tmp_path / "pets" / "cat", "white", ("0.png", "1.jpg", "2.PNG"))
    fill(tmp_path / "pets" / ".hidden", "red")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("not a picture")
    (tmp_path / "pets" / "empty").mkdir()
    fill(tmp_path / "shapes" / "train" / "10", "red")
    fill(tmp_path / "shapes" / "test" / "9", "red")
    fill(tmp_path / "shapes" / "test" / "10", "blue")
    named = [tmp_path / "pets", tmp_path / "shapes", tmp_path / "missing"]
    monkeypatch.setenv("GRADLEAK_DATASETS", os.pathsep.join(map(str, named)))
    return tmp_path / "pets"


@pytest.mark.usefixtures("pets")
def test_folders_are_listed_with_their_classes() -> None:
    assert folders.folders() == {
        "pets": {"classes": ["cat", "dog"], "count": 5},
        "shapes/train": {"classes": ["10"], "count": 2},
        "shapes/test": {"classes": ["9", "10"], "count": 4},
    }


@pytest.mark.usefixtures("pets")
def test_items_can_be_loaded_as_they_are_listed() -> None:
    assert folders.items("pets", "dog") == ["folder:pets/dog/0.png", "folder:pets/dog/1.jpg"]
    image, label = load(folders.items("pets", "dog")[0], 8, 3)
    assert torch.equal(image, torch.zeros(1, 3, 8, 8))
    assert label == 1
    image, label = load(folders.items("shapes/test", "10")[0], 8, 3)
    assert image.mean((0, 2, 3)).tolist() == [0, 0, 1]
    assert label == 1
    assert label_names("folder:shapes/test/10/0.png") == ["9", "10"]


def test_a_new_file_is_seen(pets: Path) -> None:
    assert folders.folders()["pets"]["count"] == 5
    fill(pets / "fox", "orange")
    assert folders.folders()["pets"] == {"classes": ["cat", "dog", "fox"], "count": 7}


def test_two_folders_of_one_name_are_both_listed(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(pets.parent / "other" / "pets" / "owl", "white")
    monkeypatch.setenv("GRADLEAK_DATASETS", os.pathsep.join([str(pets), str(pets.parent / "other" / "pets")]))
    assert [row["classes"] for row in folders.folders().values()] == [["cat", "dog"], ["owl"]]
    assert folders.items("pets-2", "owl") == ["folder:pets-2/owl/0.png", "folder:pets-2/owl/1.jpg"]


@pytest.mark.usefixtures("pets")
@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("folder:pets/dig/0.png", "did you mean 'folder:pets/dog'"),
        ("folder:pets/dog/2.png", "did you mean 'folder:pets/dog/0.png'"),
        ("folder:shapes/9/0.png", "did you mean 'folder:shapes/test/9'"),
        ("folder:pets/cat/notes.txt", "There is no image"),
        ("folder:pets/../pets/dog/0.png", "There is no image"),
        ("folder:pets/dog/..", "There is no image"),
        ("folder:", "There is no image"),
    ],
)
def test_what_is_not_listed_is_refused(reference: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        load(reference, 8, 3)


def test_a_damaged_file_is_refused(pets: Path) -> None:
    (pets / "dog" / "0.png").write_bytes(b"nonsense")
    with pytest.raises(Refused, match="not a picture"):
        load("folder:pets/dog/0.png", 8, 3)


def test_without_folders_the_variable_is_named() -> None:
    assert folders.folders() == {}
    with pytest.raises(Refused, match="GRADLEAK_DATASETS"):
        load("folder:pets/dog/0.png", 8, 3)
