"""Runs share a worker process: long ones make room and go on where they were, and so do paused ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.config.limits import Limits, OverLimit
from gradleak_core.data import uploads
from gradleak_core.people import Asker
from gradleak_core.runs import dispatcher, fairness
from gradleak_core.runs.service import Service
from gradleak_core.types import Refused
from tests.runs.serving import Server, serving, until
from tests.runs.toy_engine import catalogue, experiment

LIGHT = (sys.executable, str(Path(__file__).with_name("light_worker.py")), json.dumps(catalogue()))
LONG = {"steps": 3000, "delay": 0.01}
SHORT = {"steps": 5, "delay": 0.01}


def quicken(monkeypatch: pytest.MonkeyPatch, slice_: float = 0.3, longest: float = 0.6) -> None:
    """Times that a test can wait for, in the same proportions."""
    monkeypatch.setattr(fairness, "SLICE", slice_)
    monkeypatch.setattr(fairness, "SWITCHES", 1)
    monkeypatch.setattr(fairness, "LONGEST_TURN", longest)
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 0.02)


@pytest.fixture(scope="module")
def light_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        quicken(patch)
        with serving(tmp_path_factory.mktemp("runs"), command=LIGHT) as server:
            yield server


@pytest.fixture
def light(light_server: Server) -> Iterator[Server]:
    yield light_server
    light_server.clear()


def person(server: Server, name: str) -> Service:
    """The service as a person uses it."""
    return server.service.seen_by(Asker(name, admitted=True))


def submit(server: Server, owner: str, **attack: Any) -> str:
    return person(server, owner).submit(experiment(**attack))


def is_whole(server: Server, run: str) -> bool:
    """Whether each iteration of a run was seen once, and in order."""
    curve = server.client.get(f"/api/runs/{run}/recording").json()["curve"]
    return curve["columns"]["best"] == [1 / n for n in range(1, server.row(run)["iteration"] + 1)]


def test_a_long_run_makes_room_for_the_short_one_of_somebody_else_and_goes_on_where_it_was(light: Server) -> None:
    long = submit(light, "ada", **LONG)
    light.until_iteration(long, 5)
    short = submit(light, "bob", **SHORT)
    light.until_status(short, "done")
    assert light.row(long)["status"] in ("queued", "running")
    reached = light.until_status(long, "running")["iteration"]
    assert light.until_iteration(long, reached + 10)["status"] == "running"
    light.command(long, "stop")
    light.until_status(long, "stopped")
    assert is_whole(light, long)


def test_who_makes_room_waits_for_a_turn_like_everybody(light: Server) -> None:
    long = submit(light, "ada", **LONG)
    light.until_iteration(long, 5)
    for owner in ("bob", "cleo"):
        submit(light, owner, **(LONG | {"steps": 500}))
    row = until(lambda: (found := light.row(long))["status"] == "queued" and found)
    assert row["queue_position"] == 2
    assert row["queue_seconds"] >= 1
    assert row["message"] == dispatcher.MADE_ROOM
    for run in [row["id"] for row in light.service.runs()]:
        light.command(run, "stop")


def test_a_paused_run_makes_room_and_goes_on_when_it_is_resumed(light: Server) -> None:
    paused = submit(light, "ada", **LONG)
    light.until_iteration(paused, 3)
    assert light.command(paused, "pause") == 202
    reached = light.until_status(paused, "paused")["iteration"]
    light.until_status(submit(light, "bob", **SHORT), "done")
    row = light.row(paused)
    assert (row["status"], row["iteration"], row["queue_position"]) == ("paused", reached, None)
    assert row["message"] == dispatcher.RESTS
    assert light.command(paused, "pause") == 202
    assert light.command(paused, "step", iterations=4) == 202
    row = until(lambda: (found := light.row(paused))["iteration"] == reached + 4 and found)
    assert light.until_status(paused, "paused")["iteration"] == reached + 4
    assert light.command(paused, "resume") == 202
    row = light.until_iteration(paused, reached + 20)
    assert (row["status"], row["message"]) == ("running", None)
    light.command(paused, "stop")
    light.until_status(paused, "stopped")
    assert is_whole(light, paused)


@pytest.mark.parametrize("owners", [("ada", "bob"), ("ada", "ada")])
def test_a_slowed_run_makes_room_and_is_still_slow_when_it_goes_on(light: Server, owners: tuple[str, str]) -> None:
    slowed = submit(light, owners[0], **SHORT | {"steps": 400})
    light.until_iteration(slowed, 1)
    assert light.command(slowed, "pace", per_second=10) == 202
    short = submit(light, owners[1], steps=300, delay=0.01)  # too long for it to make room at full speed
    light.until_status(short, "done")
    reached = light.until_status(slowed, "running")["iteration"]
    light.until_iteration(slowed, reached + 3)
    assert light.service.supervisor.workers[0].job.per_second == 10


def test_a_run_that_rests_can_be_stopped_and_deleted(light: Server) -> None:
    stopped, deleted = (submit(light, "ada", **LONG) for _ in range(2))
    for run in (stopped, deleted):
        light.until_iteration(run, 2)
        light.command(run, "pause")
        light.until_status(run, "paused")
        light.until_status(submit(light, "bob", **SHORT), "done")
    assert light.command(stopped, "stop") == 202
    assert light.row(stopped)["status"] == "stopped"
    light.service.delete(deleted)
    assert light.service.supervisor.queue.resting == []


def test_a_worker_with_an_engine_makes_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch, slice_=1.0, longest=2.0)
    steady = {"steps": 4000, "delay": 0.004}
    with serving(tmp_path) as server:
        long = submit(server, "ada", **steady)
        server.until_iteration(long, 5)
        server.until_status(submit(server, "bob"), "done")
        server.until_status(long, "running")
        assert server.command(long, "pause") == 202
        reached = server.until_status(long, "paused")["iteration"]
        server.until_status(submit(server, "bob"), "done")
        assert server.row(long)["message"] == dispatcher.RESTS
        assert server.command(long, "step", iterations=25) == 202
        until(lambda: server.row(long)["iteration"] == reached + 25)
        assert server.until_status(long, "paused")["iteration"] == reached + 25
    with serving(tmp_path) as server:
        assert server.row(long)["status"] == "paused"
        assert "Press Go on" in server.row(long)["message"]
        assert server.command(long, "resume") == 202
        server.until_iteration(long, reached + 50)
        assert server.command(long, "stop") == 202
        server.until_status(long, "stopped")
        curve = server.service.recording(long)["curve"]["columns"]["distance"]
        assert len(curve) == server.row(long)["iteration"]
        assert curve == sorted(curve, reverse=True)  # as of a run that nobody has interrupted


def test_thirty_people_at_once_are_served_in_turn(light: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(light.service.hub, "hand_over", begun.append)
    long = submit(light, "ada", **LONG)
    with ThreadPoolExecutor(30) as people:
        sent = [people.submit(submit, light, f"person {number}", **SHORT) for number in range(30)]
        others = [each.result() for each in sent]
    more = [submit(light, "person 0", **SHORT) for _ in range(3)]
    for run in (*more, *others):
        light.until_status(run, "done")
    assert [run for run in begun if run in more] == more
    assert {*begun} == {long, *others, *more}
    assert all(begun.count(run) == 1 for run in (*others, *more))
    assert max(map(begun.index, others)) < begun.index(more[1])  # everybody's first before anybody's third
    assert light.row(long)["status"] in ("queued", "running")
    assert all(is_whole(light, run) for run in (*more, *others))


def test_one_person_cannot_fill_the_queue(light: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = person(light, "ada")
    monkeypatch.setattr(ada, "limits", Limits(queued=3))
    first = ada.submit(experiment(**LONG))
    light.until_iteration(first, 1)
    for _ in range(3):
        ada.submit(experiment(**LONG))
    with pytest.raises(OverLimit, match="3 of your runs are waiting, and one person may have 3"):
        ada.submit(experiment())
    monkeypatch.setattr(ada, "limits", Limits(run=1))
    with pytest.raises(Refused, match="This run would take about 2 s, and one run may take 1 s here; lower the iter"):
        ada.submit(experiment())
    submit(light, "bob", **SHORT)
    light.submit()  # where people are not told apart, nobody is limited
    assert len(light.service.runs()) == 6


def test_whoever_meets_a_limit_is_told_so_in_one_sentence(light: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light.service, "asker", Asker("ada", admitted=True))
    monkeypatch.setattr(light.service, "limits", Limits(queued=1, run=1))
    monkeypatch.setattr(light.service.pictures, "limits", Limits(uploads=1))
    answer = light.client.post("/api/runs", json={"experiment": experiment()})
    assert answer.status_code == 422
    assert "one run may take 1 s here; lower the iterations (40)" in answer.json()["error"]
    monkeypatch.setattr(light.service, "limits", Limits(queued=1))
    answer = light.client.post("/api/races", json={"lanes": [experiment(steps=3), experiment(steps=4)]})
    assert answer.status_code == 429
    assert answer.json()["error"].startswith("These are 2 runs, and one person may have 1 waiting here")
    answers = [light.client.post("/api/uploads", content=b"no picture") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 429]
    assert answers[1].json()["error"].startswith("One person may hand in 1 pictures a minute here")


def test_pictures_that_are_kept_count_by_their_bytes(light: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = light.service.pictures
    kept = uploads.keep_upload(pictures.folder, b"x" * 1_000_001)
    monkeypatch.setattr(pictures, "limits", Limits(megabytes=1))
    pictures.admit("bob", ["upload:" + "0" * 64])
    with pytest.raises(OverLimit, match="Your pictures take 1 MB, and one person may keep 1 MB here"):
        pictures.admit("bob", [kept])


def test_a_run_says_before_it_is_computed_when_its_turn_may_come(light: Server) -> None:
    submit(light, "ada", **LONG)
    runs = [submit(light, "bob", **LONG) for _ in range(3)]
    places = [light.row(run)["queue_position"] for run in runs]
    waits = [light.row(run)["queue_seconds"] for run in runs]
    assert places in ([1, 2, 3], [1, 2, 3])
    assert waits == sorted(waits)
