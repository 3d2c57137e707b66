"""The games of a room over its server: every vote counts once whatever is sent, and a picture that is being named is
covered on every way to it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from gradleak_core.api import lessons, room_games, room_plays
from gradleak_core.api.room_desk import GameDesk
from gradleak_core.api.room_games import GAME_ROUTES
from gradleak_core.api.room_hall import open_hall
from gradleak_core.people.register import People
from gradleak_core.room import challenges
from gradleak_core.room.room import Room
from tests.runs.serving import SLOW, Server, serving, until
from tests.runs.toy_engine import experiment
from tests.web.test_people import PIN, ending, header, newcomer

HOST_ONLY = [
    ("POST", "/room/poll"), ("POST", "/room/poll/close"), ("POST", "/room/poll/reveal"), ("POST", "/room/poll/next"),
    ("POST", "/room/naming"), ("POST", "/room/naming/reveal"), ("POST", "/room/naming/next"),
    ("POST", "/room/challenge"), ("POST", "/room/challenge/end"), ("GET", "/room/results.csv"),
]  # fmt: skip
MEMBERS_ONLY = [("POST", "/room/vote"), ("POST", "/room/answer"), ("GET", "/room/naming/truth")]
OWN = {"kind": "own", "question": "Which?", "options": ["red", "blue"], "right": 1}


@dataclass
class Class:
    """A server with a host, two members and a stranger."""

    server: Server
    people: People
    desk: GameDesk
    kept: Room
    who: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        return self.server.client.request(method, f"/api{path}", headers=header(self.who[who]), **options)

    def post(self, who: str, path: str, **body: Any) -> httpx.Response:
        return self.ask(who, "POST", f"/room/{path}", json=body)

    def poll(self, **asked: Any) -> str:
        answer = self.post("host", "poll", **(asked or OWN))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def listen(self, who: str, what: str) -> ClientConnection:
        """A socket of somebody: `live` or `wall` of the room, or the id of a run."""
        place = f"room/{what}" if what in ("live", "wall") else f"live/{what}"
        address = f"{str(self.server.client.base_url).replace('http', 'ws')}/api/{place}"
        return connect(address, additional_headers=header(self.who[who]))

    def person(self, who: str) -> str:
        return str(self.people.asker(self.who[who]).person)

    def seen(self, who: str) -> Any:
        return self.desk.games.snapshot(self.person(who))["asked"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    folder = tmp_path_factory.mktemp("games")
    people = People(folder, PIN)
    kept = Room(PIN, "http://10.0.0.7:8501/")
    people.recognise = kept.recognise
    with serving(folder, people=people, room=kept) as server:
        loop = server.service.call(asyncio.get_running_loop)
        asyncio.run_coroutine_threadsafe(open_hall(server.service), loop).result(30)
        desk = server.service.desk
        assert desk is not None
        made = Class(server, people, desk, kept)
        made.who = {name: newcomer(people) for name in ("host", "anna", "ben", "stranger")} | {"nobody": {}}
        kept.hosts.add(made.person("host"))
        kept.members.update({made.person("anna"): "Anna", made.person("ben"): "=Ben"})
        yield made
        asyncio.run_coroutine_threadsafe(server.service.hall.close(), loop).result(30)


@pytest.fixture
def room(served: Class, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    """The class before anything is asked; what the host plays are runs of the toy."""
    monkeypatch.setattr(room_plays, "read_setups", lambda service, sent: [experiment(**sent.get("preset", {}))])
    monkeypatch.setattr(room_games, "read_setups", room_plays.read_setups)
    yield served
    served.post("host", "poll/next")
    served.post("host", "challenge/end")
    served.desk.games.polls.clear()
    served.desk.games.namings.clear()
    served.desk.games.challenges.clear()
    served.server.clear()


def test_every_route_is_one_for_the_host_or_for_members() -> None:
    found = {(method, route.path) for route in GAME_ROUTES for method in route.methods or () if method != "HEAD"}
    assert found == {*HOST_ONLY, *MEMBERS_ONLY}


@pytest.mark.parametrize("who", ["anna", "stranger", "nobody"])
@pytest.mark.parametrize(("method", "path"), HOST_ONLY)
def test_only_the_host_asks_closes_reveals_and_grades(room: Class, method: str, path: str, who: str) -> None:
    room.poll()
    body = {"json": {}} if method == "POST" else {}
    answer = room.ask(who, method, path, **body)
    assert answer.status_code == 403
    assert answer.json()["error"].endswith(".")
    assert room.seen("anna")["state"] == "open"


@pytest.mark.parametrize("path", [path for _, path in [*HOST_ONLY, *MEMBERS_ONLY]])
def test_a_server_without_a_room_has_no_games(tmp_path: Path, path: str) -> None:
    with serving(tmp_path, ready=False, workers=0) as server:
        method = "GET" if path.endswith((".csv", "truth")) else "POST"
        assert (
            server.client.request(method, f"/api{path}", **({"json": {}} if method == "POST" else {})).status_code
            == 404
        )


# --- votes ------------------------------------------------------------------------------------------------------------


def test_a_vote_counts_once_however_often_and_however_fast_it_is_sent(room: Class) -> None:
    poll = room.poll()
    with ThreadPoolExecutor(8) as threads:
        sent = [("anna", 0), ("ben", 1), ("anna", 1), ("ben", 1)] * 10
        answers = list(threads.map(lambda vote: room.post(vote[0], "vote", poll=poll, option=vote[1]), sent))
    assert {answer.status_code for answer in answers} == {202}
    room.post("anna", "vote", poll=poll, option=0)
    assert room.seen("anna")["voted"] == 2
    room.post("host", "poll/close")
    room.post("host", "poll/reveal")
    assert room.seen("ben")["counts"] == [1, 1]


@pytest.mark.parametrize("who", ["stranger", "nobody", "host"])
def test_who_is_no_member_does_not_vote(room: Class, who: str) -> None:
    poll = room.poll()
    assert room.post(who, "vote", poll=poll, option=0).status_code == 403
    assert room.seen("anna")["voted"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"option": 0}, {"poll": None, "option": 0}, {"poll": "00000000", "option": 0}, {"poll": "", "option": 2},
        {"poll": "", "option": -1}, {"poll": "", "option": "0"}, {"poll": "", "option": True},
        {"poll": "", "option": 0.0}, {"poll": ""}, {"poll": "", "option": [0]},
        {"poll": "", "option": 0, "person": "x"},
    ],
)  # fmt: skip
def test_a_vote_that_is_none_is_refused(room: Class, body: Any) -> None:
    poll = room.poll()
    if body.get("poll") == "":
        body = body | {"poll": poll}
    answer = room.post("anna", "vote", **body)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    assert room.seen("anna")["voted"] == 0


def test_after_closing_no_vote_counts(room: Class) -> None:
    poll = room.poll()
    room.post("anna", "vote", poll=poll, option=0)
    room.post("host", "poll/close")
    assert room.post("anna", "vote", poll=poll, option=1).status_code == 422
    assert room.post("ben", "vote", poll=poll, option=1).status_code == 422
    room.post("host", "poll/reveal")
    assert room.post("ben", "vote", poll=poll, option=1).status_code == 422
    assert room.seen("ben")["counts"] == [1, 0]
    room.post("host", "poll/next")
    assert room.post("ben", "vote", poll=poll, option=1).status_code == 422


def test_what_the_room_asks_is_started_when_the_vote_closes_and_once(room: Class) -> None:
    room.poll(kind="leaks", preset=SLOW)
    assert room.server.service.runs() == []
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: room.post("host", "poll/close").status_code, range(8)))
    assert answers == [202] * 8
    (run,) = room.server.service.runs()
    assert room.seen("anna")["played"] == [run["id"]]
    assert room.server.service.find(run["id"])["owner"] == room.person("host")
    refused = room.post("host", "poll/reveal")
    assert (refused.status_code, "still runs" in refused.text) == (422, True)
    assert "counts" not in room.seen("anna")


def test_a_vote_stays_open_if_its_run_cannot_be_started(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = room.poll(kind="leaks", preset={})
    monkeypatch.setattr(room_games, "start_poll", lambda *_: room.server.service.find("none"))
    assert room.post("host", "poll/close").status_code == 404
    assert room.post("anna", "vote", poll=poll, option=0).status_code == 202


def test_the_outcome_is_the_servers_own(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = room.poll(kind="leaks", preset={"steps": 3})
    room.post("anna", "vote", poll=poll, option=0)
    assert room.post("host", "poll/reveal").status_code == 422  # before the vote is closed
    room.post("host", "poll/close")
    until(lambda: all(row["result"] for row in room.server.service.runs()))
    refused = room.post("host", "poll/reveal")
    assert (refused.status_code, "without one" in refused.text) == (422, True)  # the toy measures no likeness
    result = {"status": "done", "seconds_to_recognisable": 1.25, "iterations_to_recognisable": 3}
    monkeypatch.setattr(room_games, "read_results", lambda *_: ([result], "iterations"))
    assert room.post("host", "poll/reveal").status_code == 202
    assert room.post("host", "poll/reveal", outcome=False).status_code == 202  # changes nothing any more
    assert room.seen("anna")["right"] == [0]
    assert room.seen("anna")["counts"] == [1, 0]


def test_votes_can_be_revealed_without_an_outcome(room: Class) -> None:
    poll = room.poll(kind="leaks", preset={"steps": 3})
    room.post("ben", "vote", poll=poll, option=1)
    room.post("host", "poll/close")
    assert room.post("host", "poll/reveal", outcome=False).status_code == 202
    assert (room.seen("ben")["counts"], room.seen("ben")["right"]) == ([0, 1], None)


def test_the_sentences_are_in_the_language_of_the_page(room: Class) -> None:
    poll = room.poll()
    for code, said in (("de", "Diese Antwort gibt es nicht"), ("en", "There is no such option"), ("xx", "There is no")):
        answer = room.ask("anna", "POST", f"/room/vote?lang={code}", json={"poll": poll, "option": 9})
        assert said in answer.json()["error"]


def test_everybody_is_told_of_a_change(room: Class) -> None:
    with room.listen("anna", "live") as socket:
        poll = room.poll()
        until(lambda: poll in str(socket.recv(timeout=30)))
        room.post("ben", "vote", poll=poll, option=0)
        until(lambda: '"voted":1' in str(socket.recv(timeout=30)))


# --- name that picture ------------------------------------------------------------------------------------------------


def begin(room: Class, **body: Any) -> tuple[str, str]:
    """A naming that goes on, with something on the phones: its id and its run."""
    answer = room.post("host", "naming", preset=SLOW, **body)
    assert answer.status_code == 201, answer.text
    naming = room.desk.games.asked
    until(lambda: naming.shown)
    return answer.json()["id"], naming.run


def ways(run: str, iteration: int) -> list[str]:
    """Every address of the API at which a run can be looked at."""
    kinds = ["zip", "png", "html", "py", "csv", "gif", "mp4"]
    looks = ["", "/truth", "/thumbnail", f"/frames/{iteration}", f"/frames/{iteration}/tiles", "/recording"]
    return [f"/runs/{run}{look}" for look in [*looks, *(f"/export.{kind}" for kind in kinds)]]


@pytest.mark.parametrize("who", ["anna", "ben", "stranger", "nobody"])
def test_no_route_gives_a_picture_that_is_being_named(room: Class, who: str) -> None:
    """By the run's own link neither, which the host made before."""
    _, run = begin(room)
    link = room.ask("host", "POST", f"/runs/{run}/link", json={}).json()["id"]
    shown = room.desk.games.asked.shown["iteration"]
    for name in (run, link):
        for path in ways(name, shown):
            answer = room.ask(who, "GET", path)
            assert answer.status_code == 404, path
            assert "astronaut" not in answer.text
        with room.listen(who, name) as socket:
            assert ending(socket)[0] == 4404
    assert room.ask(who, "GET", "/runs").json() == []
    assert room.ask(who, "GET", "/room/naming/truth").status_code == 404
    assert "astronaut" not in json.dumps(room.seen(who) if who != "nobody" else room.desk.games.snapshot(None)).lower()


@pytest.mark.parametrize("who", ["anna", "host"])
def test_the_wall_and_the_news_tell_nothing_of_a_picture_that_is_being_named(room: Class, who: str) -> None:
    """The host's wall neither, which the room looks at."""
    with room.listen("anna", "live") as here:  # somebody has to be there for the server to look at the runs
        here.recv(timeout=30)
        _, run = begin(room)
        told: list[str] = []
        with room.listen(who, "wall") as wall:
            while not any(run in text for text in told):
                told.append(str(wall.recv(timeout=30)))
        told += [str(here.recv(timeout=30)) for _ in range(3)]
    assert not [text for text in told if "astronaut" in text.lower()]


def test_the_host_sees_what_the_room_names(room: Class) -> None:
    _, run = begin(room)
    for path in (f"/runs/{run}", f"/runs/{run}/truth", f"/runs/{run}/recording"):
        assert room.ask("host", "GET", path).status_code == 200


def test_a_member_keeps_their_own_runs_and_sees_no_others(room: Class) -> None:
    """Whoever gave the link: what vanished would tell which picture it is."""
    runs = {}
    for who, seed in (("anna", 1), ("ben", 2)):
        toy = experiment(steps=3) | {"seed": seed, "images": ["sample:coffee"]}
        runs[who] = room.ask(who, "POST", "/runs", json={"experiment": toy}).json()["id"]
    until(lambda: all(row["result"] for row in room.server.service.runs()))
    link = room.ask("ben", "POST", f"/runs/{runs['ben']}/link", json={}).json()["id"]
    assert room.ask("anna", "GET", f"/runs/{link}/truth").status_code == 200
    begin(room)
    assert room.ask("anna", "GET", f"/runs/{runs['anna']}/truth").status_code == 200
    assert room.ask("anna", "GET", f"/runs/{link}/truth").status_code == 404
    assert room.ask("stranger", "GET", f"/runs/{link}/truth").status_code == 200  # another picture, outside the room
    room.post("host", "naming/reveal")
    assert room.ask("anna", "GET", f"/runs/{link}/truth").status_code == 200


def test_other_runs_of_the_picture_are_covered_for_strangers_too(room: Class) -> None:
    other = room.ask("host", "POST", "/runs", json={"experiment": experiment(steps=3)}).json()["id"]
    race = {"lanes": [experiment(steps=3), experiment(steps=4)]}
    raced = room.ask("host", "POST", "/races", json=race).json()["id"]
    until(lambda: all(row["result"] for row in room.server.service.runs()))
    run_link = room.ask("host", "POST", f"/runs/{other}/link", json={}).json()["id"]
    race_link = room.ask("host", "POST", f"/races/{raced}/link", json={}).json()["id"]
    paths = [*ways(run_link, 3), f"/races/{race_link}", f"/races/{race_link}/export.html"]
    assert room.ask("stranger", "GET", f"/races/{race_link}").status_code == 200
    begin(room)
    for who in ("anna", "stranger"):
        assert {room.ask(who, "GET", path).status_code for path in paths} == {404}


def test_who_watches_when_the_naming_begins_is_turned_away(room: Class) -> None:
    run = room.ask("host", "POST", "/runs", json={"experiment": experiment(**SLOW)}).json()["id"]
    link = room.ask("host", "POST", f"/runs/{run}/link", json={}).json()["id"]
    with room.listen("anna", link) as socket:
        socket.recv(timeout=30)
        assert room.post("host", "naming", preset={"steps": 30}).status_code == 201
        assert ending(socket)[0] == 4404


def test_a_member_cannot_go_on_from_the_run_that_is_being_named(room: Class) -> None:
    _, run = begin(room)
    fork = experiment() | {"fork": f"{run}@{room.desk.games.asked.shown['iteration']}"}
    answer = room.ask("anna", "POST", "/runs", json={"experiment": fork})
    assert answer.status_code == 422


def test_the_room_names_the_picture(room: Class) -> None:
    naming, run = begin(room, words=["Eileen"], seconds=10)
    assert room.post("anna", "answer", naming=naming, text="a dog").status_code == 202
    assert room.post("anna", "answer", naming=naming, text="Eileen").status_code == 202
    assert room.post("ben", "answer", naming=naming, text="rocket").status_code == 202
    before = room.seen("anna")
    assert (before["mine"], before["answered"], "answer" in before) == ("Eileen", 2, False)
    assert before["shown"]["picture"].startswith("data:image/")
    assert room.post("host", "naming/reveal").status_code == 202
    seen = room.seen("ben")
    assert (seen["right"], seen["of"], seen["correct"], seen["answer"]) == (1, 2, False, "Astronaut")
    assert seen["half"] == seen["first"]
    assert (
        room.ask("anna", "GET", "/room/naming/truth").content == room.ask("host", "GET", f"/runs/{run}/truth").content
    )
    assert room.ask("stranger", "GET", "/room/naming/truth").status_code == 404
    assert room.post("ben", "answer", naming=naming, text="Eileen").status_code == 422


@pytest.mark.parametrize("who", ["stranger", "nobody", "host"])
def test_who_is_no_member_names_nothing(room: Class, who: str) -> None:
    naming, _ = begin(room)
    assert room.post(who, "answer", naming=naming, text="astronaut").status_code == 403
    assert room.seen("anna")["answered"] == 0


@pytest.mark.parametrize(
    "body", [{}, {"text": ""}, {"text": 3}, {"text": "x" * 41}, {"text": "cat", "naming": "other"}]
)
def test_an_answer_that_is_none_is_refused(room: Class, body: Any) -> None:
    naming, _ = begin(room)
    answer = room.post("anna", "answer", **({"naming": naming} | body))
    assert (answer.status_code, room.seen("anna")["answered"]) == (422, 0)


@pytest.mark.parametrize(
    "body", [{"words": "cat"}, {"seconds": 1}, {"seconds": "40"}, {"seconds": 301}, {"words": [""]}]
)
def test_a_naming_that_cannot_be_is_refused_and_covers_nothing(room: Class, body: Any) -> None:
    assert room.post("host", "naming", **body).status_code == 422
    assert room.desk.games.asked is None


def test_a_naming_whose_run_cannot_be_started_covers_nothing(room: Class) -> None:
    assert room.post("host", "naming", preset={"restarts": -1}).status_code == 422
    assert not room.desk.games.naming_goes_on


# --- challenges and results -------------------------------------------------------------------------------------------


def test_a_challenge_is_scored_by_the_servers_rows(room: Class) -> None:
    assert room.post("host", "challenge", kind="picture", preset={}).status_code == 201
    challenge = room.desk.games.challenge
    rule = {"labels": {"kind": "row_sum"}}
    rows = {"anna": 20.0, "ben": 30.0}
    made = [
        {"id": who, "owner": room.person(who), "status": "done",
         "experiment": experiment() | {"attack": experiment()["attack"] | rule}, "result": {"metrics": {"psnr": psnr}}}
        for who, psnr in rows.items()
    ]  # fmt: skip
    challenge.setup = made[0]["experiment"]
    challenge.look(made, room.desk.games.members, {}, {(row["id"], row["owner"]) for row in made})
    ranking = room.desk.games.snapshot(None)["challenge"]["ranking"]
    assert [(line["place"], line["name"]) for line in ranking] == [(1, "=Ben"), (2, "Anna")]


def test_what_the_room_has_computed_before_counts_once_somebody_asks_for_it(
    room: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(challenges, "plays_by_the_rules", lambda challenge, experiment: experiment["seed"] == 4)
    sent = {"json": {"experiment": experiment(steps=9) | {"seed": 4}}}
    before = room.ask("anna", "POST", "/runs", **sent).json()["id"]
    until(lambda: room.server.service.run(before)["result"])
    assert room.post("host", "challenge", kind="picture", preset={}).status_code == 201
    ranking = lambda: room.desk.games.snapshot(None)["challenge"]["ranking"]  # noqa: E731
    for who, name in (("ben", "=Ben"), ("anna", "Anna")):
        assert name not in {line["name"] for line in ranking()}
        assert room.ask(who, "POST", "/runs", **sent).json()["id"] == before
        until(lambda name=name: name in {line["name"] for line in ranking()})


def test_a_challenge_can_be_ended_once_it_was_begun(room: Class) -> None:
    assert room.post("host", "challenge/end").status_code == 422
    assert room.post("host", "challenge", kind="worst").status_code == 422
    assert room.post("host", "challenge", kind="defence", preset={}).status_code == 201
    assert room.post("host", "challenge/end").status_code == 202
    assert room.desk.games.snapshot(None)["challenge"]["ended"] is True


def test_the_results_are_for_grading(room: Class) -> None:
    poll = room.poll()
    room.post("anna", "vote", poll=poll, option=1)
    room.ask("anna", "POST", "/runs", json={"experiment": experiment(steps=3)})
    room.post("host", "poll/close")
    room.post("host", "poll/reveal")
    answer = room.ask("host", "GET", "/room/results.csv?lang=de")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.startswith("\ufeff")  # or a spreadsheet takes it for another encoding
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["Spitzname"], row["Läufe"], row["Richtige Stimmen"]) for row in rows] == [
        ("'=Ben", "0", "0"),
        ("Anna", "1", "1"),
    ]


def test_a_class_hands_its_answers_in_to_the_host(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"person": room.person(who), "question": who} for who in ("anna", "ben")]
    monkeypatch.setattr(lessons, "handed_in", lambda folder: rows)
    for who, seen in (("host", ["anna", "ben"]), ("anna", ["anna"]), ("stranger", []), ("nobody", [])):
        service = room.server.service.seen_by(room.people.asker(room.who[who]))
        assert [row["question"] for row in lessons.answers_for(service)] == seen
