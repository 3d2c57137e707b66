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


def test_a_step_that_waited_for_a_worker_ends_where_it_was_asked_to_whichever_comes_first() -> None:
    """The command and the state of a run that was left reach its loop in either order."""
    for late in (False, True):
        controls = Controls()
        if late:
            controls.take_up(40)
        controls.apply({"type": "step", "until": 44})
        if not late:
            controls.take_up(40)
        done = [controls.tick() for _ in range(4)]
        assert done == [False, False, False, True]
        assert controls.ticks == 44
