"""The runs of a room: one computation for all who want the same, which ends when the last of them leaves it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gradleak_core.api.room_desk import GameDesk
from gradleak_core.data.uploads import upload_file
from gradleak_core.people import Asker, NotYours, may_change, may_leave, may_see
from gradleak_core.room.games import Games
from gradleak_core.room.naming import Naming
from gradleak_core.runs import races, rooms, sharing
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.hub import Hub
from gradleak_core.runs.jobs import Job, Queue
from gradleak_core.runs.room_store import RoomStore
from gradleak_core.runs.service import Service
from gradleak_core.runs.several import delete_runs, tag_run
from gradleak_core.runs.steering import TOGETHER
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused
from gradleak_core.verdicts import ALL_PAUSED
from tests.data.test_uploads import encoded
from tests.runs.serving import SLOW, Server, serving, until
from tests.runs.test_sharing_workers import LIGHT, LONG, SHORT
from tests.runs.toy_engine import experiment

HOST = "helen"
ROWS = {
    "mine": {"owner": "ada", "people": ["ada"], "in_room": True, "experiment": {"images": ["upload:a"]}},
    "joined": {"owner": "bob", "people": ["bob", "ada"], "in_room": True, "experiment": {"images": ["upload:a"]}},
    "plain": {"owner": "bob", "people": ["bob"], "in_room": True, "experiment": {"images": ["sample:x"]}},
    "shared": {"owner": "bob", "people": ["bob"], "in_room": True, "experiment": {"images": ["upload:s", "sample:x"]}},
    "half": {"owner": "bob", "people": ["bob"], "in_room": True, "experiment": {"images": ["upload:s", "upload:b"]}},
    "private": {"owner": "bob", "people": ["bob"], "in_room": True, "experiment": {"images": ["upload:b"]}},
    "damaged": {"owner": "bob", "people": ["bob"], "in_room": True, "experiment": {}},
    "before": {"owner": "bob", "people": [], "in_room": False, "experiment": {"images": ["sample:x"]}},
}
"""Rows of a room in which the upload `s` is shared."""


@dataclass
class FakeRoom:
    members: dict[str, str] = field(default_factory=lambda: {f"p{n}": f"Student {n}" for n in range(40)})
    hosts: set[str] = field(default_factory=lambda: {HOST})
    shared: set[str] = field(default_factory=set)
    paused: bool = False

    def close(self) -> None:
        self.members.clear()
        self.shared.clear()
        self.paused = False


def at(server: Server, person: str) -> Service:
    """The service as a host or a member uses it."""
    host = person == HOST
    return server.service.seen_by(Asker(person, admitted=True, host=host, member=not host))


@pytest.fixture(scope="module")
def one_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("room"), room=FakeRoom(), command=LIGHT) as server:
        yield server


@pytest.fixture
def room(one_room: Server) -> Iterator[Server]:
    yield one_room
    rooms.hold_queue(at(one_room, HOST), False)
    one_room.service.room.shared.clear()  # type: ignore[union-attr]
    one_room.clear()


def picture(service: Service, colour: str) -> str:
    return str(service.upload(encoded(Image.new("RGB", (20, 20), colour)))["image"])


def ids(service: Service) -> list[str]:
    return [row["id"] for row in service.runs()]


@pytest.mark.parametrize(
    ("asker", "seen", "left", "changed"),
    [
        (Asker("ada", member=True), "mine joined plain shared", "mine joined", "mine"),
        (Asker("cleo", member=True), "plain shared", "", ""),
        (Asker("helen", host=True), "mine joined plain shared half private damaged", "*", "*"),
        (Asker("ada"), "mine joined", "mine joined", "mine"),
        (Asker("cleo"), "", "", ""),
        (Asker(None), "", "", ""),
    ],
)
def test_who_may_see_and_end_what_in_a_room(asker: Asker, seen: str, left: str, changed: str) -> None:
    def of(allowed: Any) -> str:
        return " ".join(name for name, row in ROWS.items() if allowed(row))

    assert of(lambda row: may_see(asker, row, shared={"upload:s"})) == seen
    assert of(lambda row: may_leave(asker, row)) == (seen if left == "*" else left)
    assert of(lambda row: may_change(asker, row["owner"], row["in_room"])) == (seen if changed == "*" else changed)


def test_thirty_at_once_are_one_computation(room: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    hand_over = Hub.hand_over

    def count(hub: Hub, run: str) -> None:
        begun.append(run)
        hand_over(hub, run)

    monkeypatch.setattr(Hub, "hand_over", count)
    people = [at(room, f"p{number}") for number in range(30)]
    with ThreadPoolExecutor(30) as threads:
        runs = {*threads.map(lambda one: one.submit(experiment(**LONG)), people)}
    [run] = runs
    assert all(ids(one) == [run] for one in people)
    assert people[0].run(run)["others"] == 29
    assert len(room.service.store.rows()) == 1
    for one in people[:-1]:
        one.stop(run)
        assert ids(one) == []
        assert one.run(run)["status"] in ("queued", "running"), "they can still watch it"
        with pytest.raises(NotYours):
            one.stop(run)
    assert room.service.store.row(run)["owner"] == "p29"  # type: ignore[index]
    people[-1].stop(run)
    until(lambda: people[-1].run(run)["status"] == "stopped")
    assert begun == [run]
    again = people[0].submit(experiment(**LONG))
    assert again != run, "a stopped one is computed anew"


def test_a_finished_one_answers_at_once_and_a_fresh_seed_does_not(room: Server) -> None:
    ada, bob = at(room, "p1"), at(room, "p2")
    run = ada.submit(experiment(**SHORT), "Ada's")
    until(lambda: ada.run(run)["status"] == "done")
    assert bob.submit(experiment(**SHORT)) == run
    assert bob.run(run)["status"] == "done"
    fresh = bob.submit(experiment(**SHORT), fresh=True)
    assert fresh != run
    assert bob.run(fresh)["experiment"] == experiment(**SHORT) | {"seed": bob.run(fresh)["experiment"]["seed"]}
    other = bob.submit(experiment(**SHORT | {"steps": 6}))
    assert other not in (run, fresh)
    stranger = room.service.seen_by(Asker("x", admitted=True))
    assert stranger.submit(experiment(**SHORT)) != run, "who is not in the room shares nothing"
    ada.delete(run)
    assert ids(ada) == []
    assert run in ids(bob), "it stays for the others"
    bob.delete(run)
    assert room.service.store.row(run) is None


def test_a_run_that_went_wrong_is_computed_anew(tmp_path: Path) -> None:
    with serving(tmp_path, room=FakeRoom()) as server:
        toy = experiment(trouble="error")
        run = at(server, "p1").submit(toy)
        until(lambda: at(server, "p1").run(run)["status"] == "failed")
        assert at(server, "p2").submit(toy) != run


def test_limits_and_turns_count_it_once(room: Server) -> None:
    first = at(room, "p1").submit(experiment(**LONG))
    until(lambda: at(room, "p1").run(first)["status"] == "running")
    waiting = [at(room, f"p{number}").submit(experiment(**LONG | {"steps": 2900})) for number in range(1, 6)]
    assert len({*waiting}) == 1
    queue = room.service.supervisor.queue
    assert len(queue) == 1
    assert [len(queue.of(f"p{number}")) for number in range(1, 6)] == [1, 0, 0, 0, 0]
    at(room, "p1").stop(waiting[0])
    assert [len(queue.of(f"p{number}")) for number in range(1, 6)] == [0, 1, 0, 0, 0]
    assert at(room, "p3").run(waiting[0])["status"] == "queued"


def test_a_job_that_changes_hands_keeps_its_turn() -> None:
    queue = Queue()
    jobs = {name: Job({name: {}}, owner=name[0]) for name in ("a1", "b1", "a2", "c1")}
    for job in jobs.values():
        queue.add(job)
    queue.give_to(jobs["a1"], "d")
    assert [job.owner for job in queue.order()] == ["d", "a", "b", "c"]
    queue.give_to(jobs["b1"], "c")
    assert [next(iter(job.runs)) for job in queue.order()] == ["a1", "a2", "c1", "b1"]


def test_a_host_ends_it_for_all_unless_they_only_leave(room: Server) -> None:
    ada, host = at(room, "p1"), at(room, HOST)
    run = ada.submit(experiment(**LONG))
    assert host.submit(experiment(**LONG)) == run
    host.stop(run, leave=True)
    assert ada.run(run)["status"] in ("queued", "running")
    assert host.submit(experiment(**LONG)) == run
    host.stop(run)
    until(lambda: ada.run(run)["status"] == "stopped")
    host.delete(run)
    with pytest.raises(NoRun):
        ada.run(run)


def test_what_several_have_is_not_held_up_by_one(room: Server) -> None:
    ada, bob, host = at(room, "p1"), at(room, "p2"), at(room, HOST)
    run = ada.submit(experiment(**LONG))
    until(lambda: ada.run(run)["iteration"] > 2)
    ada.pace(run, 5)
    ada.pause(run)
    until(lambda: ada.run(run)["status"] == "paused")
    assert bob.submit(experiment(**LONG)) == run
    until(lambda: bob.run(run)["status"] == "running")
    assert room.service.supervisor.workers[0].job.per_second is None
    for one in (ada, bob):
        for act in (one.pause, one.step, lambda name, one=one: one.pace(name, 1)):
            with pytest.raises(Refused, match=TOGETHER):
                act(run)
    host.pause(run)
    until(lambda: bob.run(run)["status"] == "paused")
    bob.resume(run)
    until(lambda: bob.run(run)["status"] == "running")


def test_a_member_changes_nothing_of_anothers(room: Server) -> None:
    ada, bob = at(room, "p1"), at(room, "p2")
    run = ada.submit(experiment(**LONG), "Ada's")
    for act in (bob.stop, bob.delete, bob.pause, bob.resume, bob.step):
        with pytest.raises(NotYours, match="somebody else's"):
            act(run)
    with pytest.raises(NotYours):
        bob.rename(run, "mine")
    with pytest.raises(NotYours):
        tag_run(bob, run, ["mine"])
    with pytest.raises(NotYours):
        sharing.share_run(bob, run)
    delete_runs(bob, [run])
    bob.submit(experiment(**LONG))
    with pytest.raises(NotYours):
        bob.rename(run, "mine")
    assert (ada.run(run)["name"], ada.run(run)["tags"]) == ("Ada's", [])
    for act in (lambda: rooms.hold_queue(bob, True), lambda: rooms.close_room(bob, keep=False)):
        with pytest.raises(NotYours, match="host"):
            act()


def test_a_race_is_one_computation_too(room: Server) -> None:
    ada, bob = at(room, "p1"), at(room, "p2")
    asked = {"lanes": [experiment(**LONG), experiment(**LONG | {"steps": 2999})], "title": "First"}
    race = races.submit_race(ada, asked)
    assert races.submit_race(bob, asked | {"title": "Another"})["id"] == race["id"]
    single = bob.submit(asked["lanes"][0])
    assert single not in [row["id"] for row in race["lanes"]], "a lane is not a run by itself"
    bob.stop(single)
    others = (asked | {"by": "seconds"}, asked | {"lanes": asked["lanes"][::-1]})
    assert race["id"] not in [races.submit_race(bob, other)["id"] for other in others]
    fresh = races.submit_race(bob, asked, fresh=True)
    assert fresh["id"] != race["id"]
    assert len({row["experiment"]["seed"] for row in fresh["lanes"]}) == 1
    races.delete_race(ada, race["id"])
    assert races.get_race(bob, race["id"])["title"] == "First"
    assert race["id"] not in [one["id"] for one in races.list_races(ada)]
    races.delete_race(bob, race["id"])
    assert room.service.store.lanes(race["id"]) == []


def test_an_upload_is_used_by_whoever_has_it_and_by_the_room_once_it_is_shared(room: Server) -> None:
    ada, bob, cleo = at(room, "p1"), at(room, "p2"), at(room, "p3")
    own = picture(ada, "teal")
    toy = experiment(**SHORT) | {"images": [own]}
    run = ada.submit(toy)
    until(lambda: ada.run(run)["status"] == "done")
    with pytest.raises(Refused, match="not kept here"):
        bob.submit(toy)
    with pytest.raises(NoRun):
        bob.run(run)
    assert ada.submit(toy) == run
    picture(bob, "teal")
    another = bob.submit(toy)
    assert another != run, "or Bob would learn that somebody else has the picture"
    bob.delete(another)
    picture(bob, "teal")  # which went from him with his last run of it
    room.service.room.shared.add(own)  # type: ignore[union-attr]
    assert cleo.run(run)["id"] == run
    assert cleo.submit(toy) == bob.submit(toy) == run
    alone = cleo.submit(toy | {"seed": 5})
    until(lambda: cleo.run(alone)["status"] == "done")
    link = sharing.share_run(cleo, alone)
    room.service.room.shared.clear()  # type: ignore[union-attr]
    rooms.withdraw_upload(ada, own)
    for reference in (run, alone, f"{alone}.{link}"):
        with pytest.raises(NoRun):
            cleo.run(reference)
    assert ids(ada) == ids(bob) == [run]
    assert ids(cleo) == []
    bob.delete(run)
    assert upload_file(room.service.pictures.folder, own).exists()
    ada.delete(run)
    assert not upload_file(room.service.pictures.folder, own).exists()


def test_what_a_member_sees_of_the_room(room: Server) -> None:
    ada, bob, host = at(room, "p1"), at(room, "p2"), at(room, HOST)
    plain = ada.submit(experiment(**SHORT))
    private = ada.submit(experiment(**SHORT) | {"images": [picture(ada, "olive")]})
    room.submit(**SHORT)  # the operator's, of before
    assert bob.submit(experiment(**SHORT)) == plain
    told = {row["id"]: (row["mine"], row["by"], row["others"]) for row in rooms.list_room(bob)}
    assert told == {plain: (True, ["Student 1", "Student 2"], 1)}
    assert {row["id"] for row in rooms.list_room(host)} == {plain, private} == {*ids(host)}
    assert {row["id"] for row in rooms.list_room(ada)} == {plain, private}
    assert not any(word in str(rooms.list_room(bob)) for word in ("'people'", "'owner'", "'p1'"))


def test_while_a_picture_is_named_nothing_of_others_is_listed_or_joined(
    room: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a member who presses one set-up after the other would be told which of them the host has begun."""
    plain = at(room, "p1").submit(experiment(**SHORT))
    assert at(room, "p2").submit(experiment(**SHORT)) == plain
    named = at(room, HOST).submit(experiment(**LONG))
    games = Games(room.service.room.members)  # type: ignore[union-attr]
    games.ask(Naming(["astronaut"], images=["sample:astronaut"]))
    monkeypatch.setattr(room.service, "covers", GameDesk(games, room.service, lambda: None, {HOST}).covers)
    for person, own in (("p1", [plain]), ("p2", []), ("p3", [])):
        assert ids(at(room, person)) == [row["id"] for row in rooms.list_room(at(room, person))] == own
    mine = at(room, "p3").submit(experiment(**LONG))
    assert mine != named
    assert ids(at(room, "p3")) == [mine]
    assert {*ids(at(room, HOST))} == {plain, named, mine}
    games.asked.reveal(3)  # type: ignore[union-attr]
    assert {row["id"] for row in rooms.list_room(at(room, "p2"))} == {plain, named, mine}


def test_everybody_is_told_their_wait_in_seconds(room: Server) -> None:
    at(room, "p1").submit(experiment(**LONG))
    runs = [at(room, f"p{number}").submit(experiment(**LONG | {"steps": 2000 + number})) for number in (2, 3)]
    at(room, "p4").submit(experiment(**LONG | {"steps": 2003}))
    for one, run in ((at(room, "p2"), runs[0]), (at(room, "p4"), runs[1])):
        row = until(lambda one=one, run=run: (found := one.run(run))["queue_seconds"] and found)
        assert row["queue_position"] in (1, 2)
        assert {row["id"]: row["queue_seconds"] for row in one.runs()}[run] >= 1
        assert room.service.hub.live[run].head["queue_seconds"] >= 1


def test_the_host_has_everything_stand_still(room: Server) -> None:
    ada, bob, host = at(room, "p1"), at(room, "p2"), at(room, HOST)
    run = ada.submit(experiment(**LONG))
    waiting = bob.submit(experiment(**LONG | {"steps": 40}))
    until(lambda: ada.run(run)["iteration"] > 3)
    rooms.hold_queue(host, True)
    row = until(lambda: (found := ada.run(run))["status"] == "queued" and found)
    late, stopped = bob.submit(experiment(**SHORT)), bob.submit(experiment(**SHORT | {"steps": 9}))
    bob.stop(stopped)
    assert bob.run(stopped)["status"] == "stopped"
    told = [bob.run(name) for name in (run, waiting, late)]
    assert [(one["status"], one["message"]) for one in told] == [("queued", ALL_PAUSED)] * 3
    assert [(one["queue_position"], one["queue_seconds"]) for one in told] == [(1, None), (2, None), (3, None)]
    time.sleep(0.3)
    assert ada.run(run)["iteration"] == row["iteration"]
    ada.pause(run)
    until(lambda: ada.run(run)["status"] == "paused")
    ada.resume(run)
    until(lambda: ada.run(run)["status"] == "queued")
    assert ada.run(run)["iteration"] == row["iteration"]
    rooms.hold_queue(host, False)
    row = until(lambda: (found := ada.run(run))["status"] == "running" and found)
    assert (row["message"], row["queue_position"]) == (None, None)
    until(lambda: bob.run(late)["status"] == "done")
    assert [bob.run(name)["message"] for name in (waiting, late)] == [None, None]
    ada.stop(run)
    until(lambda: ada.run(run)["status"] == "stopped")
    curve = ada.recording(run)["curve"]["columns"]["best"]
    assert curve == [1 / n for n in range(1, ada.run(run)["iteration"] + 1)]


def test_what_stands_still_can_be_stopped_and_outlives_its_worker(room: Server) -> None:
    ada, bob, host = at(room, "p1"), at(room, "p2"), at(room, HOST)
    run, kept = ada.submit(experiment(**LONG)), bob.submit(experiment(**LONG | {"steps": 200}))
    until(lambda: ada.run(run)["iteration"] > 3)
    rooms.hold_queue(host, True)
    until(lambda: ada.run(run)["message"] == ALL_PAUSED)
    ada.stop(run)
    until(lambda: ada.run(run)["status"] == "stopped")
    assert (ada.run(run)["message"], bob.run(kept)["status"]) == (None, "queued")
    rooms.hold_queue(host, False)
    until(lambda: bob.run(kept)["iteration"] > 3)
    rooms.hold_queue(host, True)
    until(lambda: bob.run(kept)["message"] == ALL_PAUSED)
    before = room.service.supervisor.health()[0]["pid"]
    os.kill(before, signal.SIGKILL)
    until(lambda: room.service.supervisor.health()[0]["pid"] not in (None, before))
    until(lambda: room.service.supervisor.health()[0]["state"] == "ready")
    assert (bob.run(kept)["status"], bob.run(kept)["message"]) == ("queued", ALL_PAUSED)
    rooms.hold_queue(host, False)
    until(lambda: bob.run(kept)["status"] == "done")


def test_the_hosts_pause_outlives_the_server_and_changes_no_bit(tmp_path: Path) -> None:
    toy = experiment(steps=300, delay=0.003)
    with serving(tmp_path, room=FakeRoom()) as server:
        plain = at(server, "p1").submit(toy)
        until(lambda: at(server, "p1").run(plain)["status"] == "done")
        held = at(server, "p2").submit(toy | {"labels": [0]})
        server.until_iteration(held, 60)
        rooms.hold_queue(at(server, HOST), True)
        until(lambda: at(server, "p2").run(held)["status"] == "queued")
    with serving(tmp_path, room=FakeRoom(paused=True)) as server:
        ada = at(server, "p2")
        time.sleep(0.3)
        row = ada.run(held)
        assert (row["status"], row["message"], row["queue_position"]) == ("queued", ALL_PAUSED, 1)
        rooms.hold_queue(at(server, HOST), False)
        until(lambda: ada.run(held)["status"] == "done")
        curves = [ada.recording(run)["curve"]["columns"]["distance"] for run in (plain, held)]
        assert curves[0] == curves[1]


def test_a_race_stands_still_and_goes_on_too(tmp_path: Path) -> None:
    with serving(tmp_path, room=FakeRoom()) as server:
        ada, host = at(server, "p1"), at(server, HOST)
        race = races.submit_race(ada, {"lanes": [experiment(**SLOW), experiment(**SLOW | {"restarts": 1})]})
        runs = [row["id"] for row in race["lanes"]]
        until(lambda: all(ada.run(run)["iteration"] > 3 for run in runs))
        rooms.hold_queue(host, True)
        until(lambda: all(ada.run(run)["status"] == "queued" for run in runs))
        before = [ada.run(run)["iteration"] for run in runs]
        time.sleep(0.3)
        assert [ada.run(run)["iteration"] for run in runs] == before
        rooms.hold_queue(host, False)
        until(lambda: all(ada.run(run)["iteration"] > max(before) for run in runs))
        ada.stop(runs[0])
        until(lambda: all(ada.run(run)["status"] == "stopped" for run in runs))


@pytest.mark.parametrize("keep", [True, False])
def test_a_room_is_closed(tmp_path: Path, keep: bool) -> None:
    with serving(tmp_path, room=FakeRoom(), command=LIGHT) as server:
        ada, bob, host = at(server, "p1"), at(server, "p2"), at(server, HOST)
        before = server.submit(**SHORT)
        own, unused = picture(ada, "teal"), picture(bob, "olive")
        private = ada.submit(experiment(**SHORT) | {"images": [own]}, "A name to look for")
        going = ada.submit(experiment(**LONG))
        bob.submit(experiment(**LONG))
        until(lambda: ada.run(private)["status"] == "done")
        rooms.close_room(host, keep=keep)
        assert rooms.list_room(host) == rooms.list_room(bob) == []
        with pytest.raises(NoRun):
            host.run(private)
        assert server.service.run(before)["id"] == before
        folder = server.service.pictures.folder
        assert upload_file(folder, own).exists() == keep
        assert upload_file(folder, unused).exists() == keep
        assert ids(ada) == ([going, private] if keep else [])
        assert ids(bob) == ([going] if keep else [])
        late = ada.submit(experiment(**SHORT | {"steps": 7}))  # asked for by a member, and begun when there were none
        assert server.service.store.row(late)["in_room"] is False  # type: ignore[index]
    whole = b"".join(file.read_bytes() for file in tmp_path.glob("runs.sqlite3*"))
    assert (b"A name to look for" in whole) == keep


def test_a_server_without_a_room_asks_for_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    opened = sqlite3.connect

    def listen(*values: Any, **options: Any) -> sqlite3.Connection:
        db = opened(*values, **options)
        db.set_trace_callback(said.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", listen)
    with serving(tmp_path, command=LIGHT) as server:
        assert type(server.service.store) is Store
        ada = server.service.seen_by(Asker("p1", admitted=True))
        runs = [ada.submit(experiment(**SHORT)) for _ in range(2)]
        assert runs[0] != runs[1]
        until(lambda: all(row["result"] for row in ada.runs()))
        row = ada.run(runs[0])
        ada.delete(runs[0])
    assert row.keys() == {
        "id", "name", "created", "status", "message", "experiment", "result", "race", "tags", "iteration",
        "queue_position", "queue_seconds", "steps", "problem",
    }  # fmt: skip
    assert not [text for text in said if "joiners" in text]
    with closing(opened(tmp_path / "runs.sqlite3")) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"runs", "frames", "checkpoints", "uploaders", "sqlite_sequence"}


def test_the_table_of_an_older_room_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    RoomStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE joiners DROP COLUMN asked")
        db.commit()
    with closing(RoomStore(path)) as store:
        assert store.asked_since(0) == set()
