"""Workers that freeze, are killed or cannot be handled: each is noticed, replaced, and its run comes to an end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.runs.hub import MOST_TRIES, Hub
from gradleak_core.runs.jobs import Job
from gradleak_core.runs.processes import processor_seconds
from gradleak_core.runs.store import Store
from gradleak_core.runs.supervisor import Supervisor
from gradleak_core.runs.workers import USUAL_PATIENCE, Patience
from tests.runs.serving import SLOW, Server, serving, until
from tests.runs.toy_engine import experiment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")


def pid(server: Server) -> int:
    return int(until(lambda: server.service.health()["workers"][0]["pid"]))


def test_a_worker_that_stands_still_is_replaced_and_its_run_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, patience=Patience(stop=0.3, restart=0.05, silence=2.5)) as server:
        run, frozen = server.submit(**SLOW), pid(server)
        server.until_iteration(run, 3)
        os.kill(frozen, signal.SIGSTOP)
        row = until(lambda: (row := server.row(run))["message"] and row)
        assert row["message"].startswith("The worker process stood still and was started anew")
        assert row["iteration"] >= 3
        assert pid(server) != frozen
        server.until_status(run, "running")


def test_five_seconds_of_silence_are_enough_unless_a_worker_starts() -> None:
    assert USUAL_PATIENCE.silence == 5
    assert USUAL_PATIENCE.start == 120


def test_processor_time_tells_who_computes_from_who_stands_still() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        before = processor_seconds(busy.pid)
        if before is not None:
            until(lambda: (processor_seconds(busy.pid) or 0) > before)
            os.kill(busy.pid, signal.SIGSTOP)
            until(lambda: processor_seconds(busy.pid) == (time.sleep(0.1), processor_seconds(busy.pid))[1])
        busy.kill()
    assert processor_seconds(busy.pid) is None


def test_a_worker_that_computes_in_silence_is_left_alone(tmp_path: Path) -> None:
    """An operation that lets no other thread speak: it takes longer than silence may last, and the run goes on."""
    row, lives = supervised(tmp_path, "absorbed", [], Patience(restart=0.02, silence=1))
    assert row["status"] == "done"
    assert len(lives) == 1


def test_a_run_that_was_given_to_a_dead_worker_is_played_by_the_next(server: Server) -> None:
    dead = pid(server)
    os.kill(dead, signal.SIGSTOP)  # it is given the run and never reads it
    run = server.submit()
    assert server.service.health()["workers"][0]["state"] == "busy"
    os.kill(dead, signal.SIGKILL)
    assert server.until_status(run, "done", "failed")["status"] == "done"


def test_health_is_not_ok_without_a_worker(tmp_path: Path) -> None:
    with serving(tmp_path, patience=Patience(restart=600, restart_most=600)) as server:
        os.kill(pid(server), signal.SIGKILL)
        health = until(lambda: (found := server.service.health())["workers"][0]["pid"] is None and found)
        assert not health["ok"]
        assert health["workers"][0]["state"] == "starting"
        run = server.submit()
        assert server.command(run, "stop") == 202
        assert server.row(run)["status"] == "stopped"


def test_a_catalogue_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").mkdir()
    with serving(tmp_path) as server:
        server.until_status(server.submit(), "done")
        assert server.service.health()["ok"]


LIGHT = """
import sys, time
from gradleak_core.runs.protocol import pack, read_message

def say(**head):
    sys.stdout.buffer.write(pack(head))
    sys.stdout.buffer.flush()

say(type="hello", pid=0, device="cpu", catalogue={})
head, _ = read_message(sys.stdin.buffer)
if sys.argv[1] == "absorbed":
    say(type="heartbeat")
    begun = time.process_time()
    while time.process_time() < begun + 3:
        pass
if sys.argv[1] != "moody":
    say(type="finished", run=list(head["runs"])[0], status="done", result={})
    read_message(sys.stdin.buffer)
"""
"""A worker without an engine, which ends every run that it is given: the obedient one says so at once, the absorbed one
after three seconds of computing, and the moody one just ends."""


def supervised(
    folder: Path,
    manner: str,
    errors: list[Exception],
    patience: Patience = Patience(restart=0.02),  # noqa: B008
) -> tuple[Any, list[int]]:
    """The row of a run that has ended, and the processes that came up for it; each error meets one of them."""
    lives: list[int] = []

    def on_catalogue(catalogue: Any) -> None:
        process = supervisor.workers[0].process
        assert process is not None
        lives.append(process.pid)
        if errors:
            raise errors.pop()

    async def played() -> Any:
        nonlocal supervisor
        hub = Hub(store)
        command = (sys.executable, "-c", LIGHT, manner)
        supervisor = Supervisor(hub, on_catalogue, command=command, patience=patience)
        store.add("a", "a", experiment()).result()
        hub.open(store.rows()[0])
        supervisor.submit(Job({"a": experiment()}))
        supervisor.start()
        while (row := store.rows()[0])["status"] == "queued":
            await asyncio.sleep(0.02)
        await supervisor.close()
        return row

    supervisor: Supervisor
    store = Store(folder / "runs.sqlite3")
    try:
        return asyncio.run(asyncio.wait_for(played(), 60)), lives
    finally:
        store.close()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a mistake")])
def test_an_error_in_the_supervisor_is_a_failed_life_and_not_the_last(tmp_path: Path, error: Exception) -> None:
    row, lives = supervised(tmp_path, "obedient", [error])
    assert row["status"] == "done"
    assert len(lives) == 2


def test_a_run_at_which_every_worker_ends_is_tried_three_times(tmp_path: Path) -> None:
    row, lives = supervised(tmp_path, "moody", [])
    assert row["status"] == "failed"
    assert row["message"].startswith("The worker process ended unexpectedly (code 0)")
    assert len(lives) == MOST_TRIES == 3
