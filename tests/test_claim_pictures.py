"""Where the private pictures of claims come from: sets and victims below the folder given with --data, else samples."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.claims import pictures
from benchmarks.setting import Setting
from gradleak_core.experiment import Experiment
from gradleak_core.types import Refused


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as --data takes it: two classes of three pictures, and two victims."""
    monkeypatch.setenv("GRADLEAK_DATASETS", "")
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "kept"))
    for i, file in enumerate(("test/cat/0", "test/cat/1", "test/cat/2", "test/dog/0", "test/dog/1", "test/dog/2")):
        picture(tmp_path / "data" / "cifar10" / f"{file}.png", i)
    for i, file in enumerate(("001_label3", "000_label7")):
        picture(tmp_path / "data" / "victims" / "mnist" / f"{file}.png", i)
    return tmp_path / "data"


def picture(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (40 * shade, 0, 0)).save(path)


def test_batches_have_the_labels_asked_for_and_no_image_twice(data: Path) -> None:
    own = pictures.of(Setting(data=data), "cifar10")
    for experiment in pictures.batches(own, Experiment(), 4, 3, "same"):
        assert len(set(experiment.images)) == 3
        assert len(set(experiment.labels or ())) == 1
    for experiment in pictures.batches(own, Experiment(), 4, 2, "different"):
        assert sorted(experiment.labels or ()) == [0, 1]
    assert own.data == data / "cifar10"


def test_too_few_images_are_refused(data: Path) -> None:
    own = pictures.of(Setting(data=data), "cifar10")
    with pytest.raises(Refused, match="too few images for a batch of 3 with different labels"):
        pictures.batch(own, random.Random(0), 3, "different")


def test_victims_come_in_order_with_the_labels_of_their_names(data: Path) -> None:
    found = pictures.victims(Setting(data=data), "mnist", 5)
    assert [label for _, label in found] == [7, 3]
    assert all(reference.startswith("upload:") for reference, _ in found)
    with pytest.raises(Refused, match="victims/cifar10"):
        pictures.victims(Setting(data=data), "cifar10", 1)
    with pytest.raises(Refused, match="victims/mnist"):
        pictures.victims(Setting(), "mnist", 1)


def test_the_result_says_where_the_images_came_from(data: Path) -> None:
    assert pictures.words(Setting(data=data), "cifar10") == "cifar10"
    assert "samples, cropped and mirrored at random, in place of cifar10 and mnist" in pictures.words(
        Setting(), "cifar10", "mnist"
    )
