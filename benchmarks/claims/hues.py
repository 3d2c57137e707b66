"""A hundred classes made of CIFAR-10: what a picture shows, and by how many tenths of the circle its hue is turned."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from benchmarks.setting import Setting
from gradleak_core.data import data_folder

HUES = 10
CLASSES = 10 * HUES
NAME = "cifar10_hues"
TURNS = {"train": (0, 5), "test": (0,)}
"""The hues of a picture beside the one that its number gives it, so that each class has pictures of both parts."""


def make_hues(setting: Setting) -> Setting:
    """Returns the setting with a data folder in which `NAME` holds the hundred classes; they are written there once."""
    assert setting.data is not None
    source, target = setting.data / "cifar10", data_folder() / "benchmarks" / NAME
    for part, turns in TURNS.items():
        for number, file in enumerate(sorted(source.glob(f"{part}/*/*"))):
            for turn in turns:
                hue = (number + turn) % HUES
                kept = target / part / f"{file.parent.name}_{hue}" / f"{file.stem}.png"
                if not kept.exists():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    turn_hue(Image.open(file), hue / HUES).save(kept)
    return replace(setting, data=target.parent)


def turn_hue(image: Image.Image, share: float) -> Image.Image:
    """Returns a picture whose hues are turned by a share of the circle, 0 to 1."""
    hue, *rest = image.convert("HSV").split()
    turned = hue.point([(value + round(256 * share)) % 256 for value in range(256)])
    return Image.merge("HSV", (turned, *rest)).convert("RGB")
