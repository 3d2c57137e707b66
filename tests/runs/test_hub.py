"""What a trace keeps for its viewers: one message for all who have seen the same, and never an old one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradleak_core.runs.hub import MOST_PACKED, Hub, Trace, load_trace
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.store import Store
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


def test_a_picture_that_comes_after_its_curve_takes_none_of_it_away(tmp_path: Path) -> None:
    """A checkpoint sends the curve alone, and the last frame of a run may be of the same iteration."""
    store = Store(tmp_path / "runs.sqlite3")
    store.add("a", "a", experiment()).result()
    hub = Hub(store)
    hub.open(
        {"id": "a", "status": "running", "experiment": experiment(), "result": None, "message": None, "iteration": 0}
    )
    alone = {"curve": {"first": 1, "columns": {"distance": [3.0, 2.0]}}, "picture": None, "seconds": 0.1}
    hub.add_frame("a", alone, b"")
    hub.add_frame("a", frame(2) | {"curve": {"first": 3, "columns": {"distance": []}}}, b"two")
    store.flush()
    kept = load_trace(store, "a")
    assert kept is not None
    assert (kept.columns, [one["iteration"] for one in kept.frames]) == ({"distance": [3.0, 2.0]}, [2])
    store.close()
