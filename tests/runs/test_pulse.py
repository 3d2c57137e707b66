"""How often a run is shown."""

from __future__ import annotations

import pytest

from gradleak_core.runs.pulse import MOST_SECONDS, RACE_SECONDS, Pulse


@pytest.mark.parametrize(
    ("cost", "spent", "pause"),
    [
        (0.001, 0.0, 0.099),  # ten a second at first
        (0.005, 0.0, 0.15),  # a thirtieth of the time at most
        (0.001, 3.0, 0.2),  # less often later
        (0.005, 2.0, 0.15),
        (0.001, 3600.0, MOST_SECONDS),
        (1.0, 0.0, MOST_SECONDS),
    ],
)
def test_a_run_is_shown_often_at_first_and_never_at_much_cost(cost: float, spent: float, pause: float) -> None:
    assert Pulse().pause(cost, spent) == pytest.approx(pause)


def test_the_lanes_of_a_race_are_shown_often_to_the_end() -> None:
    assert Pulse(4).pause(0.01, 3600.0) == RACE_SECONDS
