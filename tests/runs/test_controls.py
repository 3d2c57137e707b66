"""Commands to the lanes of a race."""

from __future__ import annotations

from gradleak_core.runs.controls import Controls, apply_to_lanes


def test_a_paused_race_stays_where_it_is_when_it_is_paused_again() -> None:
    """Of three lanes one has ended; the other two wait at the same iteration."""
    ended, *going = lanes = [Controls(), Controls(), Controls()]
    ended.over = True
    for lane in going:
        lane.ticks, lane.paused = 40, True
    apply_to_lanes(lanes, {"type": "pause"})
    assert all(lane.paused for lane in going)
    apply_to_lanes(lanes, {"type": "step", "iterations": 1})
    assert not any(lane.paused for lane in going)
    assert [lane.tick() for lane in going] == [True, True], "both stand one iteration on"
