"""Where talks are kept, who may change them, and how the stage is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from gradleak_core.people import Asker
from gradleak_core.people.register import People
from gradleak_core.runs.service import Service
from gradleak_core.talks.form import parse_talk
from gradleak_core.talks.shelf import MOST_TALKS, SHIPPED, NoTalk, Shelf, shelf_of
from gradleak_core.types import Refused
from tests.runs.serving import Server, serving

RUN = {"title": "A picture", "show": "run", "setup": "size=16", "recording": "first.json"}
RACE = {"title": "Two sizes", "show": "race", "setup": "lane=size%3D16"}
WRONG = {"title": "Nothing to see", "show": "run", "setup": "size=-4"}


def talk(*chapters: Any, title: str = "My talk") -> Any:
    return parse_talk(json.dumps({"title": title, "minutes": 3, "chapters": chapters}))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "talks", (tmp_path / "shipped",))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("talks")) as server:
        yield server


def test_a_talk_is_kept_copied_and_deleted_with_its_recordings(shelf: Shelf) -> None:
    name = shelf.new_name("Überblick: ein Foto!")
    assert name == "uberblick-ein-foto"
    shelf.write(name, talk(RUN | {"recording": "mine.json"}))
    shelf.write_recording(name, "mine.json", b"{}")
    assert shelf.new_name("Uberblick ein Foto") == f"{name}-2"
    twin = shelf.copy(name)
    assert shelf.read(twin)["chapters"] == shelf.read(name)["chapters"]
    rows = [(row["name"], row["title"], row["changeable"], row["chapters"]) for row in shelf.rows()]
    assert rows == [(name, "My talk", True, 1), ("my-talk-copy", "My talk (copy)", True, 1)]
    recording = shelf.recording(twin, "mine.json")
    assert recording is not None
    assert recording.read_bytes() == b"{}"
    shelf.delete(name)
    with pytest.raises(NoTalk):
        shelf.read(name)


@pytest.mark.parametrize("name", ["../talks", "@people", "", "A", "a" * 41, "a/b", "."])
def test_no_name_leads_out_of_the_folder(shelf: Shelf, name: str) -> None:
    with pytest.raises(NoTalk):
        shelf.find(name)
    with pytest.raises(Refused):
        shelf.write(name, talk())


@pytest.mark.parametrize("file", ["talk.json", "../talk.json", "x.png", "a/b.json"])
def test_no_recording_takes_the_place_of_another_file(shelf: Shelf, file: str) -> None:
    shelf.write("mine", talk())
    with pytest.raises(Refused):
        shelf.write_recording("mine", file, b"{}")


def test_a_shelf_holds_so_many_talks_and_no_more(shelf: Shelf) -> None:
    for number in range(MOST_TALKS):
        shelf.write(f"talk-{number}", talk())
    with pytest.raises(Refused, match=f"{MOST_TALKS} talks are kept already"):
        shelf.write("another", talk())
    shelf.write("talk-0", talk(title="Changed"))
    assert shelf.read("talk-0")["title"] == "Changed"


def test_the_recordings_of_all_talks_have_room_for_so_much(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradleak_core.talks.shelf.MOST_OF_A_SHELF", 3 * 2**20)
    shelf.write("mine", talk())
    shelf.write_recording("mine", "one.json", b" " * 2**20)
    shelf.write_recording("mine", "two.json", b" " * 2**20)
    with pytest.raises(Refused, match="delete one first"):
        shelf.write_recording("mine", "three.json", b" " * 2**20)
    with pytest.raises(Refused, match="smaller than 2 MB"):
        shelf.write_recording("mine", "three.json", b" " * (2**21 + 1))


def test_in_a_room_the_host_alone_changes_talks(tmp_path: Path) -> None:
    service = Service(tmp_path, people=People(tmp_path, "123456"))
    guest, host = Asker("a" * 32, admitted=True), Asker("b" * 32, admitted=True, host=True)
    assert shelf_of(service.seen_by(guest)).own is not None
    service.room = cast(Any, "a room")
    assert shelf_of(service.seen_by(guest)).own is None
    assert shelf_of(service.seen_by(host)).own is not None


def test_a_shipped_talk_stays_as_it_is(shelf: Shelf) -> None:
    Shelf(shelf.others[0]).write("shipped", talk(title="Shipped"))
    assert not shelf.changeable("shipped")
    with pytest.raises(Refused, match="stays"):
        shelf.delete("shipped")


def test_a_damaged_talk_is_listed_with_its_mistake(shelf: Shelf) -> None:
    shelf.write("broken", talk())
    (shelf.find("broken") / "talk.json").write_text('{"title": "x", "minutes": 5, "chapters": [3]}', "utf-8")
    assert shelf.rows()[0]["problem"] == "Chapter 1 must be an object, not 3."


def test_the_stage_is_told_what_each_chapter_shows(server: Server) -> None:
    shelf_of(server.service).write("mine", talk(RUN, RACE, WRONG, {"title": "End", "show": "words", "lines": ["Bye"]}))
    listed = server.client.get("/api/talks").json()
    assert {"name": "mine", "title": "My talk", "chapters": 4, "takes": 4}.items() <= listed[0].items()
    told = server.client.get("/api/talks/mine").json()
    run, race, wrong, words = told["chapters"]
    assert run["experiment"]["size"] == 16
    assert [lane["size"] for lane in race["lanes"]] == [8, 16]
    assert race["names"] == ["Size 8", "Size 16"]
    assert wrong["problem"].startswith("setup: size ")
    assert words["problem"] is None
    assert race["recording"] is None
    recording = server.client.get(run["recording"])
    assert recording.json()["head"]["batch"] == 1
    assert "immutable" in recording.headers["cache-control"]
    assert server.client.get("/api/talks/mine/recordings/none.json").status_code == 404
    missing = server.client.get("/api/talks/theirs")
    assert (missing.status_code, missing.json()["error"][:21]) == (404, "There is no such talk")


def test_a_talk_is_taken_along_as_a_file(server: Server) -> None:
    shelf_of(server.service).write("mine", talk(RUN, RACE))
    kept = server.client.get("/api/talks/mine/export.json")
    assert kept.headers["content-disposition"] == 'attachment; filename="talk.json"'
    assert parse_talk(kept.content) == shelf_of(server.service).read("mine")
    page = server.client.get("/api/talks/mine/export.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "A picture" in page.text
    assert server.client.get("/api/talks/mine/export.zip").content.startswith(b"PK")
    assert server.client.get("/api/talks/mine/export.exe").status_code == 404
    shelf_of(server.service).write("empty", talk())
    assert server.client.get("/api/talks/empty/export.html").status_code == 422


def test_everybody_has_talks_of_their_own_where_people_are_kept_apart(tmp_path: Path) -> None:
    people = People(tmp_path, "123456")
    service = Service(tmp_path, people=people)

    def of(cookies: dict[str, str]) -> Shelf:
        return shelf_of(service.seen_by(people.asker(cookies)))

    assert of({}).own is None
    a, b = ({people.cookies.name: str(people.renew({}))} for _ in range(2))
    assert of(a).own is None
    for cookies in (a, b):
        people.enter(people.asker(cookies), "123456", "127.0.0.1")
    of(a).write("mine", talk())
    assert of(a).changeable("mine")
    for other in (of(b), of({})):
        with pytest.raises(NoTalk):
            other.find("mine")


def test_shipped_talks_lie_where_the_shelf_looks() -> None:
    assert SHIPPED.is_dir()
