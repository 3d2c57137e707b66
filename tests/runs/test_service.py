"""Runs from queue to history, with a real worker process and a real file."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from gradleak_core.runs.hub import Hub
from gradleak_core.runs.rows import FATAL, TAKEN_UP
from gradleak_core.runs.service import NoRun, NotReady, Service
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused
from tests.runs.serving import BROKEN, SLOW, TOY, Server, alive, serving, until
from tests.runs.toy_engine import experiment

ROOT = Path(__file__).parents[2]
ORPHANING = """
import pathlib, sys, time
from tests.runs.serving import serving
with serving(pathlib.Path(sys.argv[1])) as server:
    server.until_iteration(server.submit(steps=100_000, delay=0.001), 1)
    print(server.service.health()["workers"][0]["pid"], flush=True)
    time.sleep(60)
"""


def test_a_run_is_played_to_its_end_and_kept_whole(server: Server) -> None:
    run = server.submit(steps=40)
    row = server.until_status(run, "done")
    assert (row["iteration"], row["steps"], row["name"]) == (40, 40, "Toy · Net · astronaut")
    assert row["result"]["metrics"]["psnr"] > 20
    recording = server.service.recording(run)
    columns = recording["curve"]["columns"]
    assert {len(values) for values in columns.values()} == {40}
    assert columns["best"] == sorted(columns["best"], reverse=True)
    assert recording["frames"][-1]["iteration"] == 40
    assert all(frame["picture"].startswith("data:image/png;base64,") for frame in recording["frames"])


def test_runs_wait_their_turn_in_order(server: Server) -> None:
    first, second, third = (server.submit(**SLOW), server.submit(), server.submit())
    assert [server.row(run)["queue_position"] for run in (first, second, third)] == [None, 1, 2]
    server.service.stop(first)
    server.until_status(third, "done")
    ended = [row["id"] for row in server.service.runs() if row["status"] == "done"]
    assert ended == [third, second]  # newest first
    assert server.row(first)["status"] == "stopped"


def test_a_waiting_run_can_be_stopped(server: Server) -> None:
    first, second = server.submit(**SLOW), server.submit()
    server.service.stop(second)
    assert server.row(second)["status"] == "stopped"
    assert server.row(second)["iteration"] == 0
    with pytest.raises(Refused, match="cannot be changed"):
        server.service.stop(second)
    server.service.stop(first)


def test_stop_keeps_what_was_seen(server: Server) -> None:
    run = server.submit(**SLOW)
    server.until_iteration(run, 20)
    server.service.stop(run)
    row = server.until_status(run, "stopped")
    frames = server.service.recording(run)["frames"]
    assert row["iteration"] == frames[-1]["iteration"] == row["result"]["iterations"]
    assert row["result"]["status"] == "stopped"


def test_pause_step_and_resume(server: Server) -> None:
    run = server.submit(**SLOW)
    server.until_iteration(run, 5)
    server.service.pause(run)
    paused = server.until_status(run, "paused")["iteration"]
    for iterations in (3, 10):
        server.service.step(run, iterations)
        paused += iterations
        server.until_iteration(run, paused)
        assert server.until_status(run, "paused")["iteration"] == paused
    server.service.resume(run)
    server.until_iteration(run, paused + 20)
    assert server.row(run)["status"] == "running"


def test_a_slow_pace_shows_every_iteration(server: Server) -> None:
    run = server.submit(**SLOW)
    server.until_iteration(run, 1)
    server.service.pause(run)
    paused = server.until_status(run, "paused")["iteration"]
    server.service.pace(run, 9)
    server.service.resume(run)
    server.until_iteration(run, paused + 4)
    shown = [frame["iteration"] for frame in server.service.recording(run)["frames"]]
    assert shown[shown.index(paused) :][:5] == list(range(paused, paused + 5))
    server.service.pace(run, None)
    server.until_iteration(run, paused + 200)


def test_a_pause_for_a_run_that_just_ended_does_not_hold_up_the_next(server: Server) -> None:
    first = server.submit(**SLOW)
    server.until_iteration(first, 1)
    for command in (server.service.pause, server.service.stop):
        command(first)
    server.until_status(first, "stopped")
    assert server.until_status(server.submit(), "done")["iteration"] == 40


def test_prints_of_the_engine_do_not_break_the_stream(server: Server) -> None:
    assert server.until_status(server.submit(trouble="chatty"), "done", "failed")["status"] == "done"


def test_an_error_of_the_engine_is_one_sentence_and_the_next_run_works(server: Server) -> None:
    failed = server.until_status(server.submit(trouble="error"), "failed")
    assert failed["message"] == "The run broke off: RuntimeError: the toy broke."
    refused = server.until_status(server.submit(trouble="refused"), "refused")
    assert refused["message"] == "The toy does not like this experiment; choose another."
    server.until_status(server.submit(), "done")


def test_an_idle_worker_learns_from_the_last_run_until_there_is_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv("TOY_LEARNT", str(notes))
    with serving(tmp_path / "data", command=(*TOY, "--rest", "0.05")) as server:
        server.until_status(server.submit(), "done")
        until(notes.exists)
        server.until_status(server.submit(steps=77), "done")
        time.sleep(0.3)
        assert notes.read_text(encoding="utf-8").split() == ["40"]
        server.until_status(server.submit(steps=30), "done")
        until(lambda: notes.read_text(encoding="utf-8").split() == ["40", "77", "30"])


@pytest.mark.skipif(sys.platform != "linux", reason="nothing else holds a process to a bound")
def test_a_run_that_wants_too_much_memory_ends_in_a_sentence_and_the_worker_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADLEAK_MEMORY", "0.5")
    with serving(tmp_path) as server:
        before = server.service.health()["workers"][0]["pid"]
        failed = server.until_status(server.submit(trouble="greedy"), "failed", "done")
        assert failed["message"].startswith("The device ran out of memory; use a smaller batch")
        server.until_status(server.submit(), "done")
        assert server.service.health()["workers"][0]["pid"] == before


def test_a_run_that_took_the_server_with_it_three_times_is_not_tried_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite3")
    for run in ("twice", "thrice"):
        store.add(run, run, experiment()).result()
    for run in ("twice", "thrice", "twice", "thrice", "thrice"):  # each time by a server that then went away
        row = store.row(run)
        assert row
        hub = Hub(store)
        hub.open(row)
        hub.hand_over(run)
        store.flush()
    store.close()
    with serving(tmp_path) as server:
        assert server.until_status("thrice", "failed", "done")["message"] == FATAL
        assert server.until_status("twice", "failed", "done")["status"] == "done"


def test_a_crash_fails_its_run_and_the_worker_is_started_again(server: Server) -> None:
    before = server.service.health()["workers"][0]["pid"]
    crashing, waiting = server.submit(trouble="crash", delay=0.02), server.submit()
    row = server.until_status(crashing, "failed")
    assert row["message"].startswith("The worker process ended unexpectedly (code 3)")
    assert row["iteration"] >= 1  # what was seen is kept
    assert server.service.picture(crashing)
    server.until_status(waiting, "done")
    assert server.service.health()["workers"][0]["pid"] != before


def test_a_deaf_worker_is_replaced(server: Server) -> None:
    run = server.submit(trouble="deaf")
    server.until_iteration(run, 1)
    server.service.stop(run)
    assert server.until_status(run, "stopped")["message"].startswith("The worker did not answer")
    server.until_status(server.submit(), "done")


def test_rename_duplicate_and_delete(server: Server) -> None:
    run = server.submit("  First\n try ")
    server.until_status(run, "done")
    assert server.row(run)["name"] == "First try"
    server.service.rename(run, "Better")
    again = server.service.duplicate(run)
    copied = server.until_status(again, "done")
    assert (copied["name"], copied["experiment"]) == ("Better", server.row(run)["experiment"])
    curves = [server.service.recording(which)["curve"] for which in (run, again)]
    assert curves[0] == curves[1]  # the same seed gives the same numbers
    server.service.delete(run)
    assert [row["id"] for row in server.service.runs()] == [again]
    with pytest.raises(NoRun):
        server.service.picture(run)
    for name in ("", "x" * 121, "\u200b", "\ufeff"):
        with pytest.raises(Refused, match="1 to 120"):
            server.service.rename(again, name)


def test_whatever_was_measured_since_the_same_set_up_runs_again_on_as_many_threads(server: Server) -> None:
    other = server.until_status(server.submit(steps=21), "done")
    first = server.until_status(server.submit(steps=20), "done")
    again = server.until_status(server.service.duplicate(first["id"]), "done")
    pressed = server.until_status(server.submit(steps=20), "done")
    threads = [row["result"]["experiment"]["threads"] for row in (other, first, again, pressed)]
    assert threads[0] != threads[1] == threads[2] == threads[3]
    assert first["experiment"] == again["experiment"] == pressed["experiment"]  # which goes on to name none
    with zipfile.ZipFile(io.BytesIO(server.service.export(again["id"]))) as file:
        assert json.loads(file.read("experiment.json"))["threads"] == threads[1]


def test_deleting_the_running_run_frees_the_worker(server: Server) -> None:
    run = server.submit(**SLOW)
    server.until_iteration(run, 1)
    server.service.delete(run)
    server.until_status(server.submit(), "done")
    assert len(server.service.runs()) == 1
    with sqlite3.connect(server.service.folder / "runs.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM frames WHERE run = ?", (run,)).fetchone() == (0,)
    db.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"attack": experiment(steps=0)["attack"]}, "attack.steps must lie between 1 and 1000000, not 0."),
        ({"attack": experiment(steps="many")["attack"]}, "attack.steps must be a whole number, not 'many'."),
        ({"attack": experiment(trouble="big")["attack"]}, "attack.trouble must be one of none, crash"),
        ({"attack": {"kind": "magic"}}, "attack has no kind 'magic'; choose from toy."),
        ({"model": {}}, "model has no kind None; choose from net."),
        ({"attack": None}, "attack must be an object, not None."),
        ({"attack": {"kind": "toy", "stpes": 3}}, "attack.stpes is not known here; choose from steps, restarts"),
        ({"size": 64}, "The toy attack needs pictures of at most 32 pixels."),
        ({"size": 2}, "size must lie between 4 and 224, not 2."),
        ({"images": []}, "images must hold 1 to 16 entries, not 0."),
        ({"labels": [1, 2]}, "2 labels were given for 1 pictures; give one each."),
        ({"images": ["sample:astronuat"]}, "There is no image 'sample:astronuat'; did you mean 'sample:astronaut'?"),
        ({"images": ["upload:../../etc"]}, "'upload:../../etc' does not name an upload"),
        ({"colour": 1}, "colour is not known here; choose from images"),
    ],
)
def test_a_bad_experiment_is_refused_at_the_door(server: Server, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        server.service.submit(experiment() | change)
    assert str(refused.value).startswith(sentence)
    assert server.service.runs() == []


def test_a_restart_keeps_what_ended_and_goes_on_with_the_rest(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        done, running, queued = server.submit(), server.submit(**SLOW), server.submit()
        server.until_iteration(running, 3)
        whole, pid = server.service.recording(done), server.service.health()["workers"][0]["pid"]
    assert not alive(pid)
    with serving(tmp_path, ready=False) as server:
        assert server.service.catalogue() is not None  # from the file, before the worker is up
        taken_up = server.row(running)
        assert taken_up["status"] == "queued"
        assert taken_up["iteration"] >= 3
        assert taken_up["message"] == TAKEN_UP
        assert server.service.recording(done) == whole
        server.until_status(running, "running")
        server.command(running, "stop")
        server.until_status(queued, "done")


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by its signal")
def test_a_worker_does_not_outlive_a_killed_server(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHANING, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        assert alive(pid)
        server.kill()
    until(lambda: not alive(pid))


def test_a_worker_that_cannot_start_is_reported(tmp_path: Path) -> None:
    with serving(tmp_path, ready=False, command=BROKEN) as server:
        health = until(lambda: (h := server.service.health())["workers"][0].get("error") and h)
        assert not health["ok"]
        assert health["workers"][0]["error"] == "No module named torch"
        with pytest.raises(NotReady, match="still starting"):
            server.service.submit(experiment())


def test_a_second_server_on_the_same_folder_is_refused(server: Server) -> None:
    with pytest.raises(Refused, match="Another GradLeak server is using"):
        asyncio.run(Service(server.service.folder).start())


def test_the_catalogue_is_kept_for_the_next_start(server: Server) -> None:
    kept = json.loads((server.service.folder / "catalogue.json").read_text())
    assert kept["catalogue"] == server.service.catalogue()
