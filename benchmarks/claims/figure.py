"""The small plot of a claim: what the page draws of its values, one row a group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.claims import floors
from benchmarks.claims.spread import quartiles
from gradleak_core.verdicts import SEEN

JSON = Any
CONFIDENT = 1.96
"""The standard deviations on each side that hold 95 % of a normal distribution."""


PLAIN = {
    "lenet": "LeNet", "mlp": "MLP", "convnet": "ConvNet", "resnet20": "ResNet-20", "resnet18": "ResNet-18",
    "resnet20 trained": "trained ResNet-20", "resnet20 trained, 100 classes": "trained ResNet-20, 100 classes",
    "mnist": "MNIST", "cifar10": "CIFAR-10", "hues": "100 classes", "new": "untrained",
    "ignore": "dropout ignored", "guess": "masks guessed", "told": "masks told", "solve": "masks solved for",
}  # fmt: skip
"""The names for a reader of values that are kept under the names of code."""


@dataclass(frozen=True)
class Figure:
    """Which values of a claim are drawn: dots with their mean, or, of what is counted, a share with its interval."""

    title: str
    of: Mapping[str, str]
    """The keys of the values that are drawn, each under the name of its rows; "" where the groups say enough."""
    by: tuple[str, ...] = ()
    """The keys by which values are grouped."""
    names: Mapping[Any, str] = field(default_factory=dict)
    """What a group is called where its value does not say it."""
    over: str | int | None = None
    """For shares the key of the number that each value is a part of, or that number."""
    floor: float | None = None
    """What the value would be if nothing leaked."""
    floor_name: str = "mean colour"

    def json(self, values: Sequence[JSON]) -> JSON:
        """Returns the rows of the figure, in the order in which their groups appear among the values."""
        rows = [self.row(name, key, mine) for name, key, mine in self.grouped(values)]
        floor = None if self.floor is None else {"value": self.floor, "name": self.floor_name}
        return {"title": self.title, "share": self.over is not None, "floor": floor, "rows": rows}

    def summary(self, values: Sequence[JSON]) -> list[JSON]:
        """Returns each row in numbers: how many values it has, their median and quartiles, or a share's interval."""
        found = []
        for name, key, mine in self.grouped(values):
            row = self.row(name, key, mine)
            three = quartiles(row["values"]) if self.over is None else (row["low"], row["share"], row["high"])
            rounded = (float(f"{value:.4g}") for value in three)
            found.append({"name": name, "n": len(mine), **dict(zip(("low", "middle", "high"), rounded, strict=True))})
        return found

    def grouped(self, values: Sequence[JSON]) -> list[tuple[str, str, list[JSON]]]:
        """Returns the name, the key and the values of each row."""
        groups: dict[tuple[Any, ...], list[JSON]] = {}
        for value in values:
            groups.setdefault(tuple(value[key] for key in self.by), []).append(value)
        return [(", ".join(filter(None, (*map(self.named, group), name))), key, mine)
                for group, mine in groups.items() for name, key in self.of.items()]  # fmt: skip

    def named(self, value: Any) -> str:
        return self.names.get(value, PLAIN.get(str(value), str(value)))

    def row(self, name: str, key: str, values: Sequence[JSON]) -> JSON:
        """Returns a row: all values, or a share with the 95 % interval of Wilson and what it is a share of."""
        if self.over is None:
            return {"name": name, "values": [float(f"{value[key]:.3g}") for value in values]}
        wholes = [value[self.over] if isinstance(self.over, str) else self.over for value in values]
        part, whole = sum(value[key] for value in values), sum(wholes)
        low, high = wilson(part, whole)
        return {"name": name, "share": round(part / whole, 4), "low": round(low, 4), "high": round(high, 4), "n": whole}


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Returns the bounds of a share's 95 % interval. Wilson 1927."""
    share, extra = part / whole, CONFIDENT**2 / whole
    middle = (share + extra / 2) / (1 + extra)
    half = CONFIDENT * math.sqrt(share * (1 - share) / whole + extra / whole / 4) / (1 + extra)
    return max(0.0, middle - half), min(1.0, middle + half)


def draw_psnr(by: tuple[str, ...] = (), names: Mapping[Any, str] | None = None, floor: bool = True) -> Figure:
    """Returns a figure of PSNRs, of pictures of CIFAR-10 unless it has no floor."""
    return Figure("PSNR in dB", {"": "psnr"}, by, names or {}, floor=floors.PSNR if floor else None)


def draw_ssim(by: tuple[str, ...] = (), names: Mapping[Any, str] | None = None) -> Figure:
    """Returns a figure of SSIMs, of pictures of CIFAR-10."""
    return Figure("SSIM", {"": "ssim"}, by, names or {}, floor=floors.SSIM)


def draw_likeness(by: tuple[str, ...]) -> Figure:
    """Returns a figure of likenesses, beside that from which a picture is recognisable."""
    return Figure("Likeness", {"": "likeness"}, by, floor=SEEN["recognisable"], floor_name="recognisable")
