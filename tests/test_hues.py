"""The hundred classes that claims on labels are judged by: ten turns of the hues of ten classes."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.claims.hues import HUNDRED, TURNS, make_hues, turn_hues
from benchmarks.setting import Setting
from gradleak_core.data import folders

RED = (200, 40, 40)


def fill(folder: Path, count: int) -> None:
    """Writes so many plain pictures, each of its own grey level and with a red corner."""
    folder.mkdir(parents=True)
    for number in range(count):
        picture = Image.new("RGB", (8, 8), (number, number, number))
        picture.paste(RED, (0, 0, 4, 4))
        picture.save(folder / f"{number:04}.png")


def test_each_class_becomes_ten_of_which_every_picture_is_in_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part, count in (("train", 20), ("test", 10)):
        for name in "abcdefghij":
            fill(tmp_path / "cifar10" / part / name, count)
    made = make_hues(Setting(data=tmp_path))
    assert made.data is not None
    monkeypatch.setenv(folders.FOLDERS_VARIABLE, str(made.data / "hues"))
    train, test = (folders.folders()[f"hues/{part}"] for part in ("train", "test"))
    assert list(train) == list(test)
    assert len(train) == HUNDRED
    assert {*train.values()} == {20 // 5}
    assert {*test.values()} == {10 // 5}
    kept = [file.name for turn in range(TURNS) for file in (made.data / "hues" / "train" / f"c {turn}").iterdir()]
    assert {kept.count(name) for name in kept} == {2}
    assert len({*kept}) == 20


def test_hues_turn_and_greys_stay(tmp_path: Path) -> None:
    fill(tmp_path / "a", 1)
    for turn in (0, 0.3, 0.5, 0.9):
        turned = np.asarray(turn_hues(tmp_path / "a" / "0000.png", turn))
        hue, *_ = colorsys.rgb_to_hsv(*turned[0, 0] / 255)
        assert abs((hue - turn + 0.5) % 1 - 0.5) < 0.02
        assert turned[7, 7].tolist() == [0, 0, 0]
