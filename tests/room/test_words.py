"""The words that name a picture in a room."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradleak_core.data.samples import CLASSES, SAMPLES
from gradleak_core.room.naming import names_it
from gradleak_core.room.words import other_words, read_words, words_of


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_named_by_its_title_its_class_and_in_german(name: str) -> None:
    words = words_of(f"sample:{name}")
    assert words[0] == SAMPLES[name].title
    others = other_words(words)
    for right in (SAMPLES[name].title, CLASSES[SAMPLES[name].label], *read_words()["samples"][name]):
        assert names_it(right, words, others)
    for wrong in ("elephant", "Elefant", "nothing"):
        assert not names_it(wrong, words, others)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_sample_is_named_by_the_class_of_another(name: str) -> None:
    words = words_of(f"sample:{name}")
    mine = {word.casefold() for word in words}
    for other in CLASSES:
        if other != CLASSES[SAMPLES[name].label] and other not in mine:
            assert not names_it(other, words, other_words(words))


def test_pictures_of_data_sets_are_named_by_their_class() -> None:
    assert words_of("dataset:cifar10/test/17", 3) == ["cat", "Katze"]
    assert words_of("dataset:cifar100/train/1", 1) == ["aquarium fish"]
    assert words_of("dataset:cifar10/test/17") == []
    assert words_of("dataset:cifar10/test/17", 10) == []


def test_pictures_of_folders_are_named_by_their_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "1.png").write_bytes(b"x")
    monkeypatch.setenv("GRADLEAK_DATASETS", str(tmp_path / "pets"))
    assert words_of("folder:pets/dog/1.png", 1) == ["dog", "Hund"]


@pytest.mark.parametrize("image", ["upload:" + "0" * 64, "sample:nothing", "", "sample", "dataset:nothing/test/1"])
def test_what_the_server_cannot_name_has_no_words(image: str) -> None:
    assert words_of(image, 0) == []
