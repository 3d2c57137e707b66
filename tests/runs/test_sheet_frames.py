"""Which frames a contact sheet shows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from gradleak_core.runs.exports.recorded import choose_by_change, choose_iterations

LIKENESS = [0.05, 0.1, 0.3, 0.5, 0.7, 0.8, 0.88, 0.92, 0.95] + [0.97] * 100
FRAMES: list[Any] = [{"iteration": 10 * n, "metrics": {"likeness": seen}} for n, seen in enumerate(LIKENESS)]


def test_most_frames_of_a_sheet_are_of_the_time_in_which_the_picture_comes_back() -> None:
    chosen = choose_iterations(FRAMES, 12, choose_by_change)
    assert len(chosen) == 12
    assert (chosen[0], chosen[-1]) == (0, 1080)
    assert sum(iteration <= 90 for iteration in chosen) >= 7
    assert max(b - a for a, b in pairwise(chosen)) < 600


@pytest.mark.parametrize("count", [1, 5, 12, 13, 109])
def test_as_many_frames_are_chosen_as_there_is_room_for(count: int) -> None:
    chosen = choose_by_change(FRAMES[:count], 12)
    assert len(chosen) == min(count, 12)
    assert chosen == sorted(chosen, key=lambda frame: frame["iteration"])


def test_where_nothing_is_scored_they_are_evenly_chosen() -> None:
    chosen = choose_by_change([{"iteration": n} for n in range(101)], 11)
    assert [frame["iteration"] for frame in chosen] == list(range(0, 101, 10))
