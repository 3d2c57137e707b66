"""Runs that lose their worker or their server, or make room for others, go on where they were, and end the same."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.runs.protocol import unpack_live
from tests.runs.serving import Server, serving, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")

STEADY = {"steps": 1200, "delay": 0.004}
"""An attack of some six seconds, which is written down once meanwhile."""


def kill_worker(server: Server) -> None:
    os.kill(int(until(lambda: server.service.health()["workers"][0]["pid"])), signal.SIGKILL)


def give_way(server: Server) -> None:
    server.service.call(server.service.supervisor.workers[0].give_way)


def until_written_down(server: Server, run: str) -> int:
    """Waits for a run's first checkpoint, and returns where the run is then."""
    until(lambda: server.service.store.checkpoints([run]))
    return int(server.row(run)["iteration"])


def tell(server: Server, run: str) -> Any:
    """What a run came to, without what depends on the clock."""
    recording, row = server.service.recording(run), server.row(run)
    frames = {frame["iteration"]: frame["metrics"] for frame in recording["frames"]}
    assert recording["curve"]["first"] == 1
    assert [*frames] == sorted(frames)
    result = {name: row["result"][name] for name in ("iterations", "metrics", "status")}
    return recording["curve"], result, frames[STEADY["steps"]]


unbroken: list[Any] = []


def what_it_comes_to(server: Server) -> Any:
    """What the steady attack comes to when nothing happens to it."""
    if not unbroken:
        run = server.submit(**STEADY)
        server.until_status(run, "done")
        unbroken.append(tell(server, run))
    return unbroken[0]


def test_a_run_outlives_its_worker_and_ends_as_one_that_was_left_alone(server: Server) -> None:
    alone, run = what_it_comes_to(server), server.submit(**STEADY)
    before = until_written_down(server, run)
    kill_worker(server)
    assert server.until_status(run, "done", "failed")["status"] == "done"
    assert before > 100
    assert tell(server, run) == alone
    assert server.service.store.checkpoints([run]) == {}


def test_a_run_outlives_its_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        run = server.submit(**STEADY)
        until_written_down(server, run)
    with serving(tmp_path) as server:
        waiting = server.row(run)
        assert waiting["status"] in ("queued", "running")
        assert waiting["iteration"] > 100
        server.until_status(run, "done")
        assert tell(server, run) == what_it_comes_to(server)


def test_a_viewer_who_stays_sees_every_iteration_once(server: Server) -> None:
    run = server.submit(**STEADY)
    with server.live(run) as viewer:
        until_written_down(server, run)
        kill_worker(server)
        server.until_status(run, "done")
        heads = [unpack_live(message)[0] for message in viewer if isinstance(message, bytes)]
    seen = [n for head in heads for n in range(head["curve"]["first"], head["curve"]["first"] + width(head))]
    assert seen == [*range(1, STEADY["steps"] + 1)]
    assert {"running", "queued", "done"} <= {head["status"] for head in heads}


def width(head: Any) -> int:
    return len(next(iter(head["curve"]["columns"].values()), ()))


def test_a_run_makes_room_and_goes_on_where_it_was(server: Server) -> None:
    alone, run = what_it_comes_to(server), server.submit(**STEADY)
    server.until_iteration(run, 40)
    short = server.submit()
    give_way(server)
    server.until_status(short, "done")
    left = server.row(run)
    assert left["status"] in ("queued", "running")
    assert left["iteration"] < STEADY["steps"]
    server.until_status(run, "done")
    assert tell(server, run) == alone


def test_a_paused_run_makes_room_at_once(server: Server) -> None:
    run = server.submit(**STEADY)
    server.until_iteration(run, 40)
    server.command(run, "pause")
    server.until_status(run, "paused")
    short = server.submit()
    give_way(server)
    server.until_status(short, "done")


def test_a_run_that_takes_its_worker_down_again_and_again_is_ended(server: Server) -> None:
    row = server.until_status(server.submit(trouble="crash"), "failed")
    assert row["iteration"] == 8  # the last that was shown before the tenth, which kills it
    assert row["message"].endswith("during this run; what was seen is kept. Run it again.")


def test_a_run_that_waits_to_go_on_can_be_stopped(server: Server) -> None:
    run, other = server.submit(**STEADY), server.submit(**STEADY)
    server.until_iteration(run, 40)
    give_way(server)
    server.until_status(run, "queued")
    server.until_status(other, "running")
    assert server.command(run, "stop") == 202
    stopped = server.row(run)
    assert (stopped["status"], stopped["message"]) == ("stopped", "Stopped while it waited.")
    assert stopped["iteration"] >= 40
