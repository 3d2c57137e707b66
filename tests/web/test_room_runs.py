"""A class in a room: what a member finds out and changes of another's runs by any route, and what the host does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from gradleak_core.people import Asker
from gradleak_core.people.register import People
from gradleak_core.runs import rooms
from gradleak_core.runs.steering import TOGETHER
from tests.runs.serving import SLOW, serving, until
from tests.runs.test_rooms import FakeRoom
from tests.runs.toy_engine import experiment
from tests.web.test_people import CHANGES, NONE, PIN, SEEN, WORDS, Room, ending, filled, header, newcomer, picture

STEPS = {"steps": 20}


class Class(People):
    """People of whom some are in a room."""

    room: FakeRoom

    def asker(self, cookies: Mapping[str, str]) -> Asker:
        found = super().asker(cookies)
        return replace(found, host=found.person in self.room.hosts, member=found.person in self.room.members)


@dataclass
class Lesson(Room):
    """A room with the member A, who has a run of an upload and runs without one, the member B and a host."""

    host: dict[str, str]
    plain: str = ""

    @property
    def state(self) -> FakeRoom:
        return self.people.room  # type: ignore[attr-defined, no-any-return]

    def person(self, cookies: dict[str, str]) -> str:
        return str(self.people.asker(cookies).person)

    def start(self, cookies: dict[str, str], toy: Any, **sent: Any) -> Any:
        answer = self.ask(cookies, "POST", "/runs", json={"experiment": toy} | sent)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def status(self, run: str) -> str:
        return str(self.ask(self.host, "GET", f"/runs/{run}").json()["status"])


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lesson]:
    folder = tmp_path_factory.mktemp("lesson")
    people = Class(folder, PIN)
    people.room = FakeRoom(members={}, hosts=set())
    with serving(folder, people=people, room=people.room) as server:
        a, b, host = newcomer(people), newcomer(people), newcomer(people)
        made = Lesson(server, people, a, b, "", "", "", "", NONE, "", host)
        people.room.members = {made.person(a): "Ada", made.person(b): "Bob"}
        people.room.hosts = {made.person(host)}
        made.upload = made.ask(a, "POST", "/uploads", content=picture("teal")).json()["image"]
        toy = experiment(**STEPS) | {"images": [made.upload]}
        made.done, made.plain = made.start(a, toy)["id"], made.start(a, experiment(**STEPS))["id"]
        lanes = [experiment(steps=3) | {"images": [made.upload]}, experiment(steps=4) | {"images": [made.upload]}]
        race = made.ask(a, "POST", "/races", json={"lanes": lanes}).json()
        made.race, made.lane = race["id"], race["lanes"][0]["id"]
        until(lambda: all(row["result"] for row in server.service.runs()))
        made.going = made.start(a, experiment(**SLOW))["id"]
        yield made


def answers(lesson: Lesson, cookies: dict[str, str], method: str, path: str, *ids: str) -> list[tuple[int, str]]:
    """The codes and texts with which a route answers for these ids of a run, a race and a price."""
    found = []
    for body in CHANGES.get((method, path), [None]):
        command = body if isinstance(body, str) else ""
        address = filled(path, lesson, *ids, command)
        if method == "WS":
            code, reason = lesson.watch(cookies, ids[0])
            found.append((code, reason))
            continue
        sent = WORDS[command] if command else body
        answer = lesson.ask(cookies, method, address, **({} if sent is None else {"json": sent}))
        text = answer.text
        for one in ids:
            text = text.replace(one, "ID")
        found.append((answer.status_code, text))
    return found


@pytest.mark.parametrize(("method", "path"), sorted(SEEN | CHANGES.keys()))
def test_a_private_upload_is_nowhere_to_be_seen(lesson: Lesson, method: str, path: str) -> None:
    there = answers(lesson, lesson.b, method, path, lesson.done, lesson.race, NONE)
    assert there == answers(lesson, lesson.b, method, path, NONE, NONE, NONE)
    assert all(code in (404, 4404) for code, _ in there)


@pytest.mark.parametrize(("method", "path"), sorted(SEEN))
def test_the_host_sees_everything_and_a_member_what_is_not_private(lesson: Lesson, method: str, path: str) -> None:
    for cookies, run in ((lesson.host, lesson.done), (lesson.host, lesson.plain), (lesson.b, lesson.plain)):
        if "{race}" in path and cookies is lesson.b:
            continue
        [(code, text)] = answers(lesson, cookies, method, path, run, lesson.race, NONE)
        assert code in (200, 1000) or "no tiles" in text, text


@pytest.mark.parametrize(("method", "path"), sorted(rule for rule in CHANGES if "{run}" in rule[1]))
def test_a_member_changes_nothing_of_anothers(lesson: Lesson, method: str, path: str) -> None:
    for run in (lesson.plain, lesson.going):
        for code, text in answers(lesson, lesson.b, method, path, run, NONE, NONE):
            assert code == 403
            assert "somebody else's" in text
    row = lesson.ask(lesson.a, "GET", f"/runs/{lesson.plain}").json()
    assert (row["tags"], row["status"]) == ([], "done")
    assert lesson.status(lesson.going) in ("queued", "running")


def test_lists_hold_ones_own_and_the_hosts_hold_all(lesson: Lesson) -> None:
    assert lesson.ask(lesson.b, "GET", "/runs").json() == lesson.ask(lesson.b, "GET", "/races").json() == []
    assert lesson.ask(lesson.b, "DELETE", "/runs", json={"ids": [lesson.done, lesson.plain]}).status_code == 204
    whole = {row["id"] for row in lesson.ask(lesson.host, "GET", "/runs").json()}
    assert {lesson.done, lesson.plain, lesson.going, lesson.lane} <= whole
    for cookies in (lesson.a, lesson.host):
        text = lesson.ask(cookies, "GET", "/runs").text
        assert not any(f'"{name}"' in text for name in ("owner", "people", "in_room", "link"))
        assert lesson.person(lesson.a) not in text


def test_no_new_set_up_leads_to_a_private_upload(lesson: Lesson) -> None:
    for toy in (
        experiment(steps=2) | {"images": [lesson.upload]},
        experiment(**STEPS) | {"images": [lesson.upload]},  # which A has run, so that it would be joined
        experiment(steps=2) | {"images": [lesson.upload], "fork": f"{lesson.done}@20"},
        experiment(steps=2) | {"fork": f"{lesson.done}@20"},
    ):
        for path, sent in (
            ("/runs", {"experiment": toy}),
            ("/races", {"lanes": [toy, toy | {"seed": 1}]}),
            ("/prices", {"experiment": toy, "defences": [{}]}),
        ):
            if path == "/prices" and lesson.upload not in toy["images"]:
                continue  # a price goes on from no run
            answer = lesson.ask(lesson.b, "POST", path, json=sent)
            assert answer.status_code == 422, (path, answer.text)
    assert lesson.ask(lesson.b, "GET", "/runs").json() == []


def test_shared_is_seen_until_it_is_taken_back(lesson: Lesson) -> None:
    url = lesson.url.replace("http", "ws")
    toy = experiment(**SLOW) | {"images": [lesson.upload]}
    run = lesson.start(lesson.a, toy)["id"]
    assert lesson.watch(lesson.b, run)[0] == 4404
    lesson.state.shared.add(lesson.upload)
    assert lesson.ask(lesson.b, "GET", f"/runs/{lesson.done}/truth").status_code == 200
    assert lesson.ask(lesson.b, "POST", f"/runs/{lesson.done}/stop", json={}).status_code == 403
    priced = lesson.ask(lesson.b, "POST", "/prices", json={"experiment": toy, "defences": [{}]})
    assert (priced.status_code, "not kept here" in priced.text) == (422, True), "a price would outlast the sharing"
    mine = lesson.start(lesson.b, toy | {"seed": 3})["id"]
    with (
        connect(f"{url}/api/live/{run}", additional_headers=header(lesson.b)) as theirs,
        connect(f"{url}/api/live/{mine}", additional_headers=header(lesson.b)) as own,
        connect(f"{url}/api/live/{run}", additional_headers=header(lesson.a)) as owner,
    ):
        assert theirs.recv(timeout=30)
        lesson.state.shared.clear()
        rooms.withdraw_upload(lesson.server.service, lesson.upload)
        assert ending(theirs)[0] == ending(own)[0] == 4404
        assert owner.recv(timeout=30), "the owner goes on"
    for name in (lesson.done, run, mine):
        assert lesson.ask(lesson.b, "GET", f"/runs/{name}/truth").status_code == 404
    assert lesson.ask(lesson.a, "DELETE", f"/runs/{run}").status_code == 204


def test_a_run_is_joined_left_and_asked_for_afresh(lesson: Lesson) -> None:
    toy = experiment(**SLOW)
    joined = lesson.start(lesson.b, toy)
    assert joined == {"id": lesson.going, "said": rooms.TOO}
    assert lesson.ask(lesson.b, "POST", f"/runs/{lesson.going}/pause", json={}).json()["error"] == TOGETHER
    left = lesson.ask(lesson.b, "POST", f"/runs/{lesson.going}/stop", json={"leave": True})
    assert left.json() == {"said": rooms.LEFT_TO_OTHERS}
    assert lesson.status(lesson.going) in ("queued", "running")
    assert lesson.start(lesson.b, experiment(**STEPS)) == {"id": lesson.plain, "said": rooms.ALREADY}
    fresh = lesson.start(lesson.b, experiment(**STEPS), fresh=True)
    assert fresh.keys() == {"id"}
    assert lesson.ask(lesson.b, "GET", f"/runs/{fresh['id']}").json()["experiment"]["seed"] != 0
    assert lesson.ask(lesson.b, "DELETE", f"/runs/{lesson.plain}").status_code == 204
    assert lesson.ask(lesson.a, "GET", f"/runs/{lesson.plain}/truth").status_code == 200
    assert lesson.ask(lesson.b, "DELETE", f"/runs/{fresh['id']}").status_code == 204


def test_a_damaged_run_is_shown_to_nobody_else(lesson: Lesson) -> None:
    service = lesson.server.service
    toy = experiment(steps=2) | {"images": [lesson.upload]}
    run = lesson.start(lesson.a, toy)["id"]
    until(lambda: lesson.status(run) == "done")
    spoil = "UPDATE runs SET experiment = '{' WHERE id = ?"
    service.store.write(lambda db: db.execute(spoil, (run,))).result()
    assert lesson.ask(lesson.b, "GET", f"/runs/{run}/truth").status_code == 404
    assert lesson.ask(lesson.b, "GET", f"/runs/{run}").status_code == 404
    assert lesson.ask(lesson.a, "DELETE", f"/runs/{run}").status_code == 204


def test_who_is_not_in_the_room_sees_nothing_of_it(lesson: Lesson, tmp_path: Path) -> None:
    stranger = newcomer(lesson.people)
    for run in (lesson.plain, lesson.going):
        assert lesson.ask(stranger, "GET", f"/runs/{run}").status_code == 404
        assert lesson.ask(stranger, "POST", f"/runs/{run}/stop", json={}).status_code == 404
        assert lesson.watch(stranger, run)[0] == 4404
    own = lesson.start(stranger, experiment(**STEPS))
    assert own.keys() == {"id"}
    assert own["id"] != lesson.plain
    assert lesson.ask(lesson.host, "GET", f"/runs/{own['id']}").status_code == 404
    assert lesson.ask(stranger, "DELETE", f"/runs/{own['id']}").status_code == 204
