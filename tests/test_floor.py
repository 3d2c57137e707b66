"""What guesses score that know nothing of the update, and what chance finds of the labels."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch

from gradleak_core.data.images import list_class, load_another, load_image
from gradleak_core.experiment import Experiment, floor, secret
from gradleak_core.onlooker import chance


@pytest.mark.parametrize(
    ("labels", "classes"), [([3], 10), ([0, 1], 2), ([1, 1], 3), ([0, 2, 2], 3), ([0, 1, 2, 3], 4)]
)
def test_chance_is_the_mean_over_all_draws(labels: list[int], classes: int) -> None:
    draws = list(itertools.product(range(classes), repeat=len(labels)))
    found = [sum(min(draw.count(k), labels.count(k)) for k in range(classes)) for draw in draws]
    assert chance(labels, classes) == pytest.approx(sum(found) / len(found) / len(labels))


def test_grey_and_the_mean_colour_score_what_their_equation_says() -> None:
    experiment = Experiment(images=("sample:chelsea",), size=16)
    private = secret(experiment)
    found = floor(experiment, private)
    assert found.keys() == {"grey", "mean", "other", "chance"}
    assert found["chance"] == 0.1
    truth = private.images
    grey = (truth - 0.5).square().mean()
    assert found["grey"]["psnr"] == pytest.approx(-10 * math.log10(grey), abs=1e-3)
    assert found["mean"]["psnr"] == pytest.approx(-10 * math.log10(truth.var((2, 3), correction=0).mean()), abs=1e-3)
    assert found["grey"]["likeness"] == found["mean"]["likeness"] == 0


def test_a_batch_has_another_picture_for_each_of_its_own() -> None:
    experiment = Experiment(images=("sample:chelsea", "sample:eye", "sample:coin"), size=16)
    found = floor(experiment, secret(experiment))
    assert 0 < found["other"]["likeness"] < 0.5
    assert found["other"]["psnr"] < 20


def test_another_picture_is_of_the_class_and_none_of_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradleak_core.data.samples import FOLDER

    monkeypatch.setenv("GRADLEAK_DATASETS", str(tmp_path / "pets"))
    files = {"cat/0": "chelsea", "cat/1": "eye", "cat/2": "coffee", "dog/0": "horse"}
    for name, sample in files.items():
        place = tmp_path / "pets" / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((FOLDER / f"{sample}.png").read_bytes())
    batch = ["folder:pets/cat/0.png", "folder:pets/cat/1.png"]
    assert load_another(batch[0], batch, 16, 3)[1] == "folder:pets/cat/2.png"
    (tmp_path / "pets" / "cat" / "2.png").write_bytes(b"damaged")
    image, other = load_another(batch[0], batch, 16, 3)
    assert other == "sample:astronaut"
    assert torch.equal(image, load_image(other, 16, 3)[0])


def test_samples_of_a_class_come_first_and_an_upload_has_none() -> None:
    assert "sample:eye" in list(list_class("sample:chelsea"))
    assert not list(list_class(f"upload:{'0' * 64}"))
    assert load_another("sample:chelsea", ["sample:chelsea"], 8, 1)[1] in list(list_class("sample:chelsea"))
