"""Races: several runs in one worker, in turns, that start, pause, stop and go as one."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from gradleak_core import experiment as engine
from gradleak_core.catalogue import catalogue
from gradleak_core.runs.controls import Controls
from gradleak_core.runs.jobs import Job
from gradleak_core.runs.loop import Run
from gradleak_core.runs.races import export_race, list_races, rename_race, submit_race
from gradleak_core.runs.service import NoRun
from gradleak_core.runs.store import Store
from gradleak_core.runs.turns import play_in_turns
from gradleak_core.types import Refused
from tests.runs import toy_engine
from tests.runs.serving import SLOW, Server, serving, until
from tests.runs.toy_engine import experiment


def start(server: Server, *attacks: Any, by: str = "iterations") -> list[str]:
    lanes = [experiment(**({"steps": 40 + number} | attack)) for number, attack in enumerate(attacks)]
    answer = server.client.post("/api/races", json={"lanes": lanes, "by": by})
    assert answer.status_code == 201, answer.text
    return [lane["id"] for lane in answer.json()["lanes"]]


def slow(number: int) -> Any:
    return SLOW | {"steps": SLOW["steps"] - number}


def test_the_lanes_are_shown_at_the_same_iterations_however_long_one_takes(server: Server) -> None:
    runs = start(server, {"delay": 0.004}, {"delay": 0.0}, {"delay": 0.001})
    for run in runs:
        server.until_status(run, "done")
    shown = [{frame["iteration"] for frame in messages(server, run)} for run in runs]
    assert shown[0] - {40} <= shown[1]
    assert shown[0] - {40} <= shown[2]
    assert len(shown[0]) > 10


def messages(server: Server, run: str) -> Any:
    return server.client.get(f"/api/runs/{run}/recording").json()["frames"]


def test_by_seconds_the_quick_lane_is_many_iterations_ahead(server: Server) -> None:
    runs = start(server, slow(0) | {"delay": 0.01}, slow(1) | {"delay": 0.0}, by="seconds")
    server.until_iteration(runs[0], 20)
    assert server.row(runs[1])["iteration"] > 2 * server.row(runs[0])["iteration"]
    assert server.command(runs[1], "stop") == 202
    seconds = [
        row["seconds"] for run in runs for row in [messages(server, run)[-1]] if server.until_status(run, "stopped")
    ]
    assert max(seconds) - min(seconds) < 1


def test_pause_step_and_stop_act_on_all_lanes(server: Server) -> None:
    runs = start(server, slow(0), slow(1), slow(2))
    server.until_iteration(runs[2], 3)
    assert server.command(runs[0], "pause") == 202
    rows = [server.until_status(run, "paused") for run in runs]
    assert len({row["iteration"] for row in rows}) == 1
    assert server.command(runs[1], "step", iterations=7) == 202
    for run, row in zip(runs, rows, strict=True):
        assert server.until_iteration(run, row["iteration"] + 7)["iteration"] == row["iteration"] + 7
        server.until_status(run, "paused")
    assert server.command(runs[2], "resume") == 202
    server.until_iteration(runs[0], rows[0]["iteration"] + 20)
    assert server.command(runs[0], "stop") == 202
    assert {server.until_status(run, "stopped", "done")["status"] for run in runs} == {"stopped"}


def test_a_lane_that_breaks_leaves_the_others_running(server: Server) -> None:
    runs = start(server, {"trouble": "error"}, {"trouble": "refused"}, {})
    assert server.until_status(runs[2], "done")
    assert server.row(runs[0])["message"] == "The run broke off: RuntimeError: the toy broke."
    assert server.row(runs[1])["status"] == "refused"


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_the_lanes_of_a_killed_worker_go_on_together(server: Server) -> None:
    runs = start(server, slow(0), slow(1))
    server.until_iteration(runs[1], 3)
    before = server.row(runs[0])["iteration"]
    os.kill(server.service.health()["workers"][0]["pid"], signal.SIGKILL)
    for run in runs:
        until(lambda run=run: "goes on where it was" in (server.row(run)["message"] or ""))  # type: ignore[misc]
    for run in runs:
        server.until_status(run, "running")
        server.until_iteration(run, before + 20)


def test_a_queued_race_is_one_place_in_the_queue_and_survives_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, workers=0, ready=False) as server:
        server.service._known.learn(toy_engine.catalogue())
        first, second = start(server, {}, {}, by="seconds"), server.submit()
        assert [server.row(run)["queue_position"] for run in (*first, second)] == [1, 1, 2]
    with serving(tmp_path, workers=0, ready=False) as server:
        assert [server.row(run)["queue_position"] for run in (*first, second)] == [1, 1, 2]
        assert [job.by for job in server.service.supervisor.queue.order()] == ["seconds", "iterations"]
        assert server.command(first[1], "stop") == 202
        assert [server.row(run)["status"] for run in (*first, second)] == ["stopped", "stopped", "queued"]


def test_a_race_is_named_listed_exported_and_deleted_as_one(server: Server) -> None:
    race = submit_race(server.service, {"lanes": [experiment(steps=3), experiment(steps=4)], "title": "Three or four"})
    for lane in race["lanes"]:
        server.until_status(lane["id"], "done")
    rename_race(server.service, race["id"], "Four or three")
    (found,) = list_races(server.service)
    assert found["title"] == "Four or three"
    assert [lane["name"] for lane in found["lanes"]] == ["Three or four: Steps 3", "Three or four: Steps 4"]
    assert found["names"] == ["Steps 3", "Steps 4"]
    with zipfile.ZipFile(io.BytesIO(export_race(server.service, race["id"]))) as file:
        assert {"race.json", "1-steps-3/curve.csv", "2-steps-4/result.json"} <= set(file.namelist())
        again = json.loads(file.read("race.json"))
    assert submit_race(server.service, again)["lanes"][1]["experiment"] == found["lanes"][1]["experiment"]
    assert server.client.delete(f"/api/races/{race['id']}").status_code == 204
    assert server.client.get(f"/api/races/{race['id']}").status_code == 404
    with pytest.raises(NoRun):
        server.service.run(race["lanes"][0]["id"])


@pytest.mark.parametrize(
    ("race", "sentence"),
    [
        ({}, "A race needs 2 to 12 lanes, each an experiment."),
        ({"lanes": [experiment(), experiment()]}, "Lanes 1 and 2 are the same; change one of them or leave it out."),
        ({"lanes": [experiment(), experiment(steps=0)]}, "Lane 2: attack.steps must lie"),
        ({"lanes": [experiment(), experiment(steps=3)], "by": "luck"}, "by must be iterations or seconds"),
    ],
)
def test_what_is_no_race_is_refused(server: Server, race: Any, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        submit_race(server.service, race)


def test_an_older_file_of_runs_has_no_races(tmp_path: Path) -> None:
    former = Path(__file__).parents[1] / "former" / "runs.sqlite3"
    (tmp_path / "runs.sqlite3").write_bytes(former.read_bytes())
    store = Store(tmp_path / "runs.sqlite3")
    assert {row["race"] for row in store.rows()} == {None}
    store.add_lanes({"x": ("x", experiment())}, {"id": "r", "by": "iterations", "title": "t"}).result()
    assert [row["id"] for row in store.lanes("r")] == ["x"]
    store.close()


LANES: list[dict[str, Any]] = [
    {"attack": {"kind": "idlg", "steps": 15}},
    {"attack": {"kind": "dlg", "steps": 13, "restarts": 3}},
    {"attack": {"kind": "inverting_gradients", "steps": 14}, "defences": [{"kind": "dropout", "p": 0.5}], "threads": 2},
]
"""Two optimisers, restarts shared among threads, recorded steps, a random layer, and two numbers of threads."""


def test_a_lane_has_the_same_bits_as_when_it_runs_alone() -> None:
    families = catalogue()["families"]["attacks"]
    lanes = [
        lane | {"size": 16, "attack": families[lane["attack"]["kind"]]["default"] | lane["attack"] | {"kind": "recipe"}}
        for lane in LANES
    ]
    before = torch.get_num_threads()
    try:
        alone = [losses([lane], "seconds")[0] for lane in lanes]
        assert losses(lanes, "seconds") == alone
        assert all(len(columns["distance"]) >= 13 for columns in alone)
    finally:
        torch.set_num_threads(before)


def losses(lanes: list[Any], by: str) -> list[dict[str, list[float]]]:
    """Every value of every curve of lanes that are played in turns."""
    job = Job({str(number): lane for number, lane in enumerate(lanes)}, by)
    found: dict[str, dict[str, list[float]]] = {run: {} for run in job.runs}

    def send(head: Any, blob: bytes = b"") -> None:
        if head["type"] == "frame":
            for name, values in head["curve"]["columns"].items():
                found[head["run"]].setdefault(name, []).extend(values)

    def fail(run: str, error: Exception) -> None:
        raise error

    play_in_turns([(Run(engine, run, "cpu", Controls(), send), lane) for run, lane in job.runs.items()], by, fail)
    return list(found.values())
