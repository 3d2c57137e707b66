"""What a trace keeps for its viewers: one message for all who have seen the same, and never an old one."""

from __future__ import annotations

from typing import Any

from gradleak_core.runs.hub import MOST_PACKED, Trace
from gradleak_core.runs.protocol import unpack_live
from tests.runs.toy_engine import experiment


def trace() -> Trace:
    return Trace({"id": "a", "status": "running", "experiment": experiment(), "result": None, "message": None})


def frame(iteration: int) -> Any:
    picture = {"iteration": iteration, "labels": [0], "metrics": {}, "layers": {}, "redrawn": 0}
    columns = {"distance": [float(iteration)]}
    return {"curve": {"first": iteration, "columns": columns}, "picture": picture, "seconds": 0.1 * iteration}


def test_viewers_who_have_seen_the_same_share_one_message() -> None:
    watched = trace()
    watched.add(frame(1), b"one")
    assert watched.since(0) is watched.since(0, thin=True)
    assert watched.since(0) != watched.since(1)


def test_no_viewer_gets_a_message_from_before_the_last_change() -> None:
    watched = trace()
    watched.add(frame(1), b"one")
    before = watched.since(0)
    watched.add(frame(2), b"two")
    head, picture = unpack_live(watched.since(0))
    assert (head["picture"], picture) == (2, b"two")
    watched.update(status="done")
    assert unpack_live(watched.since(0))[0]["status"] == "done"
    assert watched.since(0) != before


def test_a_run_that_is_over_keeps_few_messages_however_many_are_asked_for() -> None:
    watched = trace()
    for iteration in range(1, 101):
        watched.add(frame(iteration), b"")
    for seen in range(100):
        assert unpack_live(watched.since(seen))[0]["curve"]["first"] == seen + 1
    assert len(watched.packed) <= MOST_PACKED
