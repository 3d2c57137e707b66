"""A room over its API: joining, what a member may not do, and what the sockets say."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gradleak_core.api import api
from gradleak_core.api.guard import Guard
from gradleak_core.api.room import ROOM_ROUTES
from gradleak_core.api.room_hall import open_hall
from gradleak_core.api.room_tiles import RunTiles, status_of
from gradleak_core.people.cookies import new_person
from gradleak_core.people.register import People
from gradleak_core.room.room import Room, public_id
from gradleak_core.room.shelf import read_room
from gradleak_core.runs.service import Service
from gradleak_core.verdicts import ALL_PAUSED, PLATEAU
from tests.runs import serving as servers
from tests.runs.serving import SLOW, Server, until
from tests.runs.toy_engine import experiment
from tests.web.test_people import header, picture

PIN, KEY = "424242", "the host's key"
HOSTS_ONLY = {
    "/room/settings": {"hidden": ["model"]}, "/room/hold": {"held": True}, "/room/pin": {"run": None},
    "/room/follow": {"run": None}, "/room/close": {"keep": False}, "/room/open": {},
    "/room/members/{member}": {"remove": True},
}  # fmt: skip
"""What only the host does, each with a body that would be taken from a host."""


def stranger(people: People) -> dict[str, str]:
    """The cookies of a browser that has typed no PIN."""
    return {people.cookies.name: people.cookies.sign(new_person(), "")}


class Class:
    """A server with a room, whose people come one after another."""

    def __init__(self, server: Server, people: People, room: Room) -> None:
        self.server, self.people, self.room = server, people, room

    def ask(self, cookies: Any, method: str, path: str, body: Any = None) -> httpx.Response:
        url, headers = f"{self.server.client.base_url}/api{path}", header(cookies)
        return httpx.request(method, url, headers=headers, json=body, timeout=30)

    def post(self, cookies: Any, path: str, body: Any) -> int:
        return self.ask(cookies, "POST", path, body).status_code

    def come(self, name: str) -> dict[str, str]:
        cookies = stranger(self.people)
        assert self.post(cookies, "/room/join", {"pin": PIN, "nickname": name}) == 204
        return cookies

    def come_as_host(self) -> dict[str, str]:
        cookies = stranger(self.people)
        assert self.post(cookies, "/room/host", {"key": KEY}) == 204
        return cookies

    def id(self, cookies: Any) -> str:
        return public_id(str(self.people.asker(cookies).person))

    def start(self, cookies: Any, **attack: Any) -> str:
        answer = self.ask(cookies, "POST", "/runs", {"experiment": experiment(**attack)})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def listen(self, cookies: Any, path: str = "live") -> ClientConnection:
        url = str(self.server.client.base_url).replace("http", "ws", 1)
        return connect(f"{url}/api/room/{path}", additional_headers=header(cookies), proxy=None)


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    people, room = People(tmp_path, PIN), Room(PIN, "http://192.0.2.7/", KEY)
    people.recognise = room.recognise

    def application(service: Service) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await service.start()
            await open_hall(service)
            yield
            await service.hall.close()
            await service.close()

        routes = [Mount("/api", api(service))]
        return Starlette(routes=routes, middleware=[Middleware(Guard)], lifespan=lifespan)

    monkeypatch.setattr(servers, "application", application)
    with servers.serving(tmp_path, people=people, room=room) as server:
        yield Class(server, people, room)


def hear(socket: ClientConnection, wanted: Any) -> Any:
    """Listens until a message fulfils something, and returns what that found."""
    while True:
        if found := wanted(json.loads(socket.recv(timeout=20))):
            return found


def test_joining_takes_the_pin_and_a_name_of_ones_own(lesson: Class) -> None:
    ada, bob = lesson.come("Ada"), stranger(lesson.people)
    assert lesson.ask(bob, "GET", "/room").json()["role"] == "guest"
    assert lesson.post(bob, "/room/join", {"pin": "000000", "nickname": "Bob"}) == 422
    assert lesson.post(bob, "/room/join", {"pin": PIN, "nickname": "ada"}) == 422
    assert lesson.post(bob, "/room/join", {"pin": PIN, "nickname": "B" * 21}) == 422
    assert lesson.post(None, "/room/join", {"pin": PIN, "nickname": "Nobody"}) == 403
    assert lesson.ask(ada, "GET", "/room").json()["name"] == "Ada"
    assert [member["name"] for member in lesson.ask(ada, "GET", "/room").json()["members"]] == ["Ada"]


def test_guessing_the_pin_is_throttled(lesson: Class) -> None:
    mallory = stranger(lesson.people)
    codes = [lesson.post(mallory, "/room/join", {"pin": f"{n:06}", "nickname": "M"}) for n in range(31)]
    assert codes == [422] * 30 + [429]
    assert lesson.post(stranger(lesson.people), "/room/join", {"pin": PIN, "nickname": "M"}) == 429


def test_nobody_plays_host_without_the_key(lesson: Class) -> None:
    ada, guest = lesson.come("Ada"), stranger(lesson.people)
    victim = lesson.id(lesson.come("Bob"))
    for cookies in (ada, guest, None):
        assert lesson.post(cookies, "/room/host", {"key": "a guess"}) == 403
        for path, body in HOSTS_ONLY.items():
            assert lesson.post(cookies, path.format(member=victim), body) == 403, path
    room = lesson.ask(ada, "GET", "/room").json()
    assert room["open"]
    assert not room["held"]
    assert len(room["members"]) == 2
    assert "pin" not in room
    assert {route.path for route in ROOM_ROUTES} >= HOSTS_ONLY.keys()


def test_a_member_stops_their_own_run_and_no_other(lesson: Class) -> None:
    ada, bob, host = lesson.come("Ada"), lesson.come("Bob"), lesson.come_as_host()
    run = lesson.start(ada, **SLOW)
    assert lesson.post(bob, f"/runs/{run}/stop", {}) == 403
    assert lesson.ask(bob, "DELETE", f"/runs/{run}").status_code == 403
    assert lesson.ask(bob, "GET", f"/runs/{run}").status_code == 200
    assert lesson.post(stranger(lesson.people), f"/runs/{run}/stop", {}) == 404
    assert lesson.post(host, f"/runs/{run}/stop", {}) == 202


def tells_of(said: Any, run: str, wanted: dict[str, bool]) -> bool:
    """Whether a page is told of one of its runs how its owner answers the host."""
    rows = [row for row in said.get("own", {}).get("runs", ()) if row["run"] == run]
    return any(wanted.items() <= row.items() for row in rows)


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        ("paused", PLATEAU.format(still=300, seconds=15, left=2360), "level"), ("queued", ALL_PAUSED, "paused"),
        ("paused", None, "paused"), ("queued", None, "queued"), ("running", "", "running"),
    ],
)  # fmt: skip
def test_the_room_is_told_why_a_run_stands_still(status: str, said: str | None, told: str) -> None:
    assert status_of({"status": status, "message": said}, None) == told


def test_an_upload_is_shown_only_if_its_owner_says_so(lesson: Class) -> None:
    ada, bob, host = lesson.come("Ada"), lesson.come("Bob"), lesson.come_as_host()
    url = f"{lesson.server.client.base_url}/api/uploads"
    image = httpx.post(url, headers=header(ada), content=picture("teal")).json()["image"]
    sent = {"experiment": experiment(steps=3) | {"images": [image]}}
    run = lesson.ask(ada, "POST", "/runs", sent).json()["id"]
    with lesson.listen(ada) as phone, lesson.listen(bob, "wall") as wall:
        assert "asked now" in lesson.ask(host, "POST", "/room/pin", {"run": run}).text
        hear(phone, lambda said: said.get("own", {}).get("wanted") == [image])
        for cookies in (bob, host):
            assert lesson.post(cookies, "/room/share", {"image": image, "shared": True}) == 403
        with lesson.listen(host) as desk:
            answers = {"asked": True, "declined": False}
            hear(desk, lambda said: tells_of(said, run, answers))
            assert lesson.post(ada, "/room/share", {"image": image, "shared": False}) == 204
            hear(desk, lambda said: tells_of(said, run, {"asked": False, "declined": True}))
            lesson.post(host, "/room/pin", {"run": run})
            hear(desk, lambda said: tells_of(said, run, answers))
        assert lesson.ask(bob, "GET", f"/runs/{run}").status_code == 404
        assert lesson.post(ada, "/room/share", {"image": image, "shared": True}) == 204
        assert lesson.post(host, "/room/pin", {"run": run}) == 204
        assert hear(wall, lambda said: [tile for tile in said["tiles"] if tile["run"] == run])[0]["by"] == "Ada"
        assert lesson.post(ada, "/room/share", {"image": image, "shared": False}) == 204
        hear(wall, lambda said: run in said["gone"])
    assert lesson.ask(bob, "GET", f"/runs/{run}").status_code == 404


def test_phones_follow_the_host_and_see_the_pause(lesson: Class) -> None:
    ada, host = lesson.come("Ada"), lesson.come_as_host()
    run = lesson.start(host, **SLOW)
    with lesson.listen(ada) as phone:
        until(lambda: lesson.ask(host, "GET", f"/runs/{run}").json()["iteration"] > 5)
        assert lesson.post(host, "/room/follow", {"run": run, "at": None}) == 204
        lane = hear(phone, lambda said: (said.get("shown") or {}).get("lanes"))[0]
        assert lane["run"] == run
        assert lane["picture"].startswith("data:image/")
        assert lesson.post(host, "/room/follow", {"run": run, "at": 1}) == 204
        hear(phone, lambda said: (said.get("shown") or {}).get("at") == 1)
        assert lesson.post(host, "/room/hold", {"held": True}) == 204
        assert hear(phone, lambda said: said.get("common", {}).get("held"))
        until(lambda: lesson.ask(host, "GET", f"/runs/{run}").json()["status"] == "queued")
        assert lesson.post(host, "/room/hold", {"held": False}) == 204
        until(lambda: lesson.ask(host, "GET", f"/runs/{run}").json()["status"] == "running")
    assert lesson.post(host, f"/runs/{run}/stop", {}) == 202
    for at in (-1, 1.5, "1", True):
        assert lesson.post(host, "/room/follow", {"run": run, "at": at}) == 422
    for path in ("/room/follow", "/room/pin"):
        assert lesson.post(host, path, {"run": "0" * 12}) == 404


def test_who_is_removed_is_turned_away_at_once(lesson: Class) -> None:
    ada, host = lesson.come("Ada"), lesson.come_as_host()
    with lesson.listen(ada) as phone:
        assert lesson.post(host, f"/room/members/{lesson.id(ada)}", {"remove": True}) == 204
        with pytest.raises(ConnectionClosed) as closed:
            hear(phone, lambda said: False)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    with lesson.listen(stranger(lesson.people)) as guest, pytest.raises(ConnectionClosed) as closed:
        guest.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


def test_closing_deletes_what_the_room_has_made(lesson: Class) -> None:
    ada, host = lesson.come("Ada"), lesson.come_as_host()
    run = lesson.start(ada, steps=3)
    assert lesson.post(host, "/room/close", {}) == 422
    assert lesson.post(host, "/room/close", {"keep": False}) == 204
    assert lesson.ask(ada, "GET", f"/runs/{run}").status_code == 404
    assert lesson.ask(ada, "GET", "/room").json()["role"] == "guest"
    assert lesson.post(ada, "/room/join", {"pin": PIN, "nickname": "Ada"}) == 422
    assert lesson.post(host, "/room/open", {}) == 204
    assert lesson.post(ada, "/room/join", {"pin": PIN, "nickname": "Ada"}) == 204
    folder = lesson.server.service.folder
    until(lambda: (read_room(folder) or {}).get("members"))


def test_a_code_leads_to_the_room(lesson: Class) -> None:
    codes = [lesson.ask(who, "GET", "/room/qr.svg") for who in (lesson.come_as_host(), stranger(lesson.people))]
    assert all(code.headers["content-type"].startswith("image/svg") for code in codes)
    assert codes[0].text != codes[1].text


def test_a_wall_misses_no_tile_that_is_made_while_it_is_told(lesson: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, service = lesson.come("Ada"), lesson.server.service
    runs = {lesson.start(ada, steps=steps) for steps in (3, 4, 5)}
    tiles, told = RunTiles(service), []
    make = tiles._make_tile

    async def make_and_tell(row: Any, covered: bool) -> Any:
        tile = await make(row, covered)
        told.append((len(tiles._tiles), len(json.loads(tiles.since(-1))["tiles"])))
        return tile

    monkeypatch.setattr(tiles, "_make_tile", make_and_tell)
    asyncio.run_coroutine_threadsafe(tiles.look(), service._loop).result(20)
    assert len(told) == 3
    assert all(there == said for there, said in told)
    assert {tile["run"] for tile in json.loads(tiles.since(-1))["tiles"]} == runs
