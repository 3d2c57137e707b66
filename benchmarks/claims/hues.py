"""A hundred classes out of ten: the pictures of CIFAR-10, each class in ten turns of its hues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image
from torchvision.transforms.functional import adjust_hue

from benchmarks.setting import Setting
from gradleak_core.data import data_folder

NAME = "hues"
TURNS, HUNDRED = 10, 100
"""How often each class is turned, and the number of classes that makes."""


def make_hues(setting: Setting) -> Setting:
    """Writes the set `hues`, with train/ and test/, into the data folder, and returns the setting that has it there.

    A class is one of CIFAR-10's with its hues turned by a multiple of a tenth of the circle, so that only the colours
    tell it from nine others. It has a fifth of the pictures of its CIFAR-10 class, each of which is in two classes.
    Needs a setting with data.
    """
    assert setting.data is not None
    home = data_folder() / "made"
    for source in sorted((setting.data / "cifar10").glob("t*/*/")):
        files = sorted(source.iterdir())
        for turn in range(TURNS):
            target = home / NAME / source.parent.name / f"{source.name} {turn}"
            target.mkdir(parents=True, exist_ok=True)
            first = turn * len(files) // TURNS
            for file in (files * 2)[first : first + len(files) // 5]:
                turn_hues(file, turn / TURNS).save(target / f"{file.stem}.png")
    return replace(setting, data=home)


def turn_hues(file: Path, turn: float) -> Image.Image:
    """Returns the picture of a file with its hues turned by a share of the circle, from 0 up to 1."""
    with Image.open(file) as picture:
        turned: Image.Image = adjust_hue(picture.convert("RGB"), (turn + 0.5) % 1 - 0.5)
    return turned
