"""The pictures that come with the program: readable, square, varied and licensed."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from gradleak_core.data import label_names, samples
from gradleak_core.data.images import load_image
from gradleak_core.data.samples import CLASSES, SAMPLES
from gradleak_core.types import Refused


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_a_small_square_picture_with_a_label_and_a_sentence(name: str) -> None:
    row = SAMPLES[name]
    image = Image.open(io.BytesIO(samples.read_sample(name)))
    assert image.width == image.height <= 256
    assert image.mode in ("L", "RGB")
    assert row.name == name
    assert 0 <= row.label < len(CLASSES)
    assert row.title
    assert row.sentence.endswith(".")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_has_something_to_see_at_32_pixels(name: str) -> None:
    image, label = load_image(f"sample:{name}", 32, 3)
    assert image.shape == (1, 3, 32, 32)
    assert image.min() >= 0
    assert image.max() <= 1
    assert image.std() > 0.04
    assert label == SAMPLES[name].label


def test_there_are_enough_samples_and_the_first_ten_differ() -> None:
    assert len(SAMPLES) >= 18
    assert next(iter(SAMPLES)) == "astronaut"
    assert len(CLASSES) == len(set(CLASSES)) == 10
    assert {row.label for row in list(SAMPLES.values())[:10]} == set(range(10))
    assert sum((samples.FOLDER / row.file).stat().st_size for row in SAMPLES.values()) < 2 * 2**20


def test_every_digit_is_grey() -> None:
    digits = [name for name in SAMPLES if name.startswith("digit")]
    assert len(digits) >= 2
    assert {Image.open(io.BytesIO(samples.read_sample(name))).mode for name in digits} == {"L"}


def test_the_licence_table_says_what_the_rows_say() -> None:
    lines = (samples.FOLDER / "LICENCES.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("| `")]
    rows = [f"| `{row.file}` | {row.title} | {row.licence} | {row.source} |" for row in SAMPLES.values()]
    assert table == rows


def test_a_misspelt_sample_is_answered_with_the_right_one() -> None:
    with pytest.raises(Refused, match="did you mean 'sample:astronaut'"):
        samples.read_sample("astronot")


def test_labels_have_names() -> None:
    assert label_names("sample:chelsea") == list(CLASSES)
    assert CLASSES[SAMPLES["chelsea"].label] == "animal"
