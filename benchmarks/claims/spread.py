"""How measurements are summed up in words: the median, both quartiles and how many there are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns the lower quartile, the median and the upper quartile, which are all the same for one value."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """Returns the median, with the quartiles and the number of values in brackets."""
    low, middle, high = (format(value, form) for value in quartiles(values))
    return f"{middle} ({low} to {high}, n = {len(values)})"
