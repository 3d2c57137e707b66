"""Who makes room for whom, how long those wait who wait, and what one person may have."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradleak_core.config.limits import Limits, OverLimit, Rate, read_limits
from gradleak_core.runs import fairness
from gradleak_core.runs.estimates import Estimate
from gradleak_core.runs.fairness import (
    LONGEST_TURN,
    SLICE,
    Turn,
    find_slowness,
    longest_turn,
    round_wait,
    run_left,
    seconds_left,
)
from gradleak_core.runs.hub import Trace
from gradleak_core.runs.jobs import Job
from gradleak_core.types import Refused
from tests.runs.toy_engine import experiment


class Clock:
    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    monkeypatch.setattr(fairness.time, "monotonic", lambda: Clock.now)
    return Clock()


def job(owner: str | None = None, **more: Any) -> Job:
    return Job({"a": {}}, owner=owner, **more)


@pytest.mark.parametrize(
    ("mine", "left", "other", "needs", "turn"),
    [
        ("ada", 600, "bob", 2, SLICE),
        ("ada", 600, "bob", 300, SLICE),
        ("ada", 600, "bob", 400, LONGEST_TURN),  # as long as mine: we alternate, and not too often
        ("ada", 600, "ada", 400, inf),  # my own, in my order
        ("ada", 600, "ada", 2, SLICE),
        (None, 600, None, 200, inf),  # people are not told apart
        (None, 600, None, 2, SLICE),
        ("ada", 3, "bob", 2, inf),  # it has ended before the other could begin
    ],
)
def test_a_long_run_makes_room_for_a_shorter_one(
    mine: str | None, left: float, other: str | None, needs: float, turn: float
) -> None:
    assert longest_turn(job(mine), left, [(job(other), needs)], SLICE) == turn
    assert longest_turn(job(mine), left, [], SLICE) == inf


def test_a_slowed_run_makes_room_after_a_minute_for_anybody() -> None:
    assert longest_turn(job(per_second=0.5), 600, [(job(), 500)], SLICE) == LONGEST_TURN
    assert longest_turn(job(per_second=0.5), 600, [], SLICE) == inf


SECONDS = st.floats(0, 10_000)


@given(SECONDS, SECONDS, st.booleans(), st.floats(0, 100))
def test_two_runs_never_make_room_for_each_other_in_less_than_a_minute(
    one: float, two: float, strangers: bool, began: float
) -> None:
    """What would be thrashing: each gives way to the other after its shortest turn."""
    first, second = job("ada"), job("bob" if strangers else "ada")
    least = max(SLICE, min(began * fairness.SWITCHES, LONGEST_TURN))
    turns = [longest_turn(first, one, [(second, two)], least), longest_turn(second, two, [(first, one)], least)]
    assert min(turns) >= least
    assert max(turns) >= LONGEST_TURN or min(one, two) == 0


def test_a_run_that_is_slow_to_begin_has_longer_turns(clock: Clock) -> None:
    turn = Turn()
    assert turn.least == SLICE
    Clock.now += 3
    turn.hear("frame", {})
    assert turn.least == 15
    waiting = [(job("bob"), 1.0)]
    Clock.now += 10
    assert turn.until_room(job("ada"), 600, waiting) == 5
    Clock.now += 10
    assert turn.until_room(job("ada"), 600, waiting) == 0


def test_a_long_preparation_does_not_make_turns_endless(clock: Clock) -> None:
    turn = Turn()
    Clock.now += 500
    assert turn.until_room(job("ada"), 600, [(job("bob"), 1.0)]) == SLICE  # nothing has been computed yet
    turn.hear("frame", {})
    assert turn.least == LONGEST_TURN


def test_a_paused_run_makes_room_a_minute_after_it_was_paused(clock: Clock) -> None:
    turn, waiting = Turn(), [(job(), 1000.0)]
    turn.hear("frame", {})
    Clock.now += 300
    turn.hear("state", {"state": "paused"})
    assert turn.until_room(job(), 600, waiting) == LONGEST_TURN
    assert turn.until_room(job(), 600, []) == inf
    Clock.now += 60
    assert turn.until_room(job(), 600, waiting) == 0
    turn.hear("state", {"state": "running"})
    assert turn.until_room(job(), 600, waiting) == inf


@pytest.mark.parametrize(
    ("expected", "seconds", "iterations", "left"),
    [(60, 0.0, 0, 60), (60, 20.0, 500, 20), (60, 20.0, 100, 40), (10, 20.0, 100, 180), (10, 0.5, 5, 9.5)],
)
def test_what_a_run_still_needs_follows_from_what_it_was_expected_to_need_and_its_rate(
    expected: float, seconds: float, iterations: int, left: float
) -> None:
    trace = trace_of(iterations, seconds)
    assert run_left(job(expected={"a": Estimate(expected, 0.0)}), "a", trace) == pytest.approx(left)


def trace_of(iterations: int, seconds: float, steps: int = 1000) -> Trace:
    row = {"id": "a", "status": "running", "experiment": experiment(steps=steps), "result": None, "message": ""}
    trace = Trace(row)
    trace.columns, trace.seconds = {"best": [0.0] * iterations}, seconds
    return trace


def test_where_runs_take_longer_than_their_bounds_those_that_wait_will_too() -> None:
    begun, waits = (Job({run: {}}, expected={run: Estimate(20.0, 0.0, by_bound=True)}) for run in ("a", "b"))
    known = Job({"c": {}}, expected={"c": Estimate(20.0, 0.0)})
    traces = {"a": trace_of(100, 10.0), "b": trace_of(0, 0.0), "c": trace_of(0, 0.0)}
    slowness = find_slowness([begun, waits, known], traces)
    assert slowness == 5
    assert [seconds_left(each, traces, slowness) for each in (begun, waits, known)] == [90, 100, 20]
    assert find_slowness([waits, known], traces) == 1


def test_a_wait_is_said_no_more_exactly_than_it_is_known() -> None:
    assert [round_wait(s) for s in (0, 3.4, 11, 43, 110, 1000, 3599)] == [1, 3, 10, 45, 120, 1020, 3600]


def test_one_person_may_not_fill_the_queue() -> None:
    limits = Limits(queued=3, seconds=100, run=50)
    limits.check_queue([10, 10], [10])
    with pytest.raises(OverLimit, match="3 of your runs are waiting, and one person may have 3 waiting here; wait"):
        limits.check_queue([1, 1, 1], [1])
    with pytest.raises(OverLimit, match="These are 4 runs, and one person may have 3"):
        limits.check_queue([], [1] * 4)
    with pytest.raises(OverLimit, match="would take about 2 min with this, and one person may queue 2 min here; wait"):
        limits.check_queue([50, 40], [30])
    limits.check_run(experiment(), 50)
    trained = experiment() | {"weights": {"kind": "trained", "dataset": "digits", "epochs": 100}}
    with pytest.raises(Refused, match=r"lower the iterations \(40\) or the epochs of training \(100\) or the rest"):
        limits.check_run(trained, 51)
    with pytest.raises(Refused, match=r"or lower the rounds \(200\) or the iterations \(40\) or the restarts"):
        limits.check_price(experiment(), 51, settings=1, rounds=200)
    with pytest.raises(Refused, match=r"This run would take about 51 s, .*lower the iterations \(40\) or the rest"):
        limits.check_run(experiment(), 51)
    limits.check_pictures(199_999_999)
    with pytest.raises(OverLimit, match="Your pictures take 200 MB, and one person may keep 200 MB here; delete"):
        limits.check_pictures(200_000_000)


def test_uploads_are_counted_by_person_and_minute(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    rate = Rate()
    for _ in range(3):
        rate.count("ada", 3)
        Clock.now += 5
    with pytest.raises(OverLimit, match="hand in 3 pictures a minute here; try again in 45 s"):
        rate.count("ada", 3)
    rate.count("bob", 3)
    Clock.now += 45
    rate.count("ada", 3)


def test_limits_are_the_operators_to_set() -> None:
    assert read_limits([]) == Limits()
    assert read_limits(["queued=2", "run=60"]) == Limits(queued=2, run=60)
    for wrong in ("queued", "queued=", "queued=0", "queued=-1", "queued=1.5", "many=3", "queued=1e9", "queued=²"):
        with pytest.raises(Refused, match=r"is no limit; write it like queued=20, with queued or .* number from 1"):
            read_limits([wrong])
