"""The room itself: who may join under which name, who is the host, and that it is the same after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradleak_core.people import Asker, NotYours
from gradleak_core.room.opening import open_room
from gradleak_core.room.room import NICKNAME, Room, public_id
from gradleak_core.room.shelf import ROOM_FILE, write_room
from gradleak_core.types import Refused

ADDRESS = "http://192.0.2.7:8501/"


@pytest.fixture
def room() -> Room:
    made = Room("424242", ADDRESS, "key")
    made.join("ada", "Ada")
    made.hosts.add("helen")
    return made


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * (NICKNAME + 1), "!!!", "\u200b\u202e", 7, None, ["Ada"], "y" * 10**6]
)
def test_a_nickname_can_be_read_and_is_short(room: Room, name: object) -> None:
    with pytest.raises(Refused, match="1 to 20 characters"):
        room.join("bob", name)
    assert "bob" not in room.members


@pytest.mark.parametrize("name", ["Ada", "ada", " A d a ", "ＡＤＡ", "A\u200bda"])
def test_no_two_have_names_that_look_the_same(room: Room, name: str) -> None:
    with pytest.raises(Refused, match="already"):
        room.join("bob", name)
    room.join("ada", name)  # one's own name can be written otherwise


def test_a_name_is_one_clean_line(room: Room) -> None:
    room.join("bob", "  Bob \n\t\u202eder  Erste ")
    assert room.members["bob"] == "Bob der Erste"


def test_only_the_key_makes_a_host(room: Room) -> None:
    for key in ("", "KEY", "key ", room._key):
        with pytest.raises(NotYours):
            room.host(Asker("bob"), key)
    with pytest.raises(NotYours):
        room.host(Asker(None), "key")
    room.host(Asker("bob"), "key")
    assert room.recognise(Asker("bob")).host


def test_without_a_key_nobody_becomes_the_host() -> None:
    with pytest.raises(NotYours):
        Room("424242", ADDRESS).host(Asker("bob"), "")


def test_what_somebody_is_in_the_room(room: Room) -> None:
    assert room.recognise(Asker("ada")) == Asker("ada", admitted=True, member=True)
    assert room.recognise(Asker("helen")) == Asker("helen", admitted=True, host=True)
    assert room.recognise(Asker("x")) == Asker("x")
    room.remove(public_id("ada"))
    assert not room.recognise(Asker("ada")).in_room


def test_a_guest_is_told_that_there_is_a_room_and_no_more(room: Room) -> None:
    assert room.snapshot(Asker("x")) == {"role": "guest", "open": True, "title": "", "address": ADDRESS}


def test_nobody_but_the_host_is_told_the_pin_and_nobody_a_person(room: Room) -> None:
    for person in ("ada", "helen"):
        told = json.dumps(room.snapshot(room.recognise(Asker(person))))
        assert ("424242" in told) == (person == "helen")
        assert '"ada"' not in told
        assert '"helen"' not in told


def test_controls_are_hidden_by_the_names_of_a_link(room: Room) -> None:
    room.set_controls(["model", "seed"], ["defence"])
    assert (room.hidden, room.locked) == (["model", "seed"], ["defence"])
    for wrong in ("model", [3], None, ["<script>"]):
        with pytest.raises(Refused):
            room.set_controls(wrong, [])
    assert room.hidden == ["model", "seed"]


def test_a_closed_room_has_forgotten_its_people(room: Room) -> None:
    room.share("upload:1", True)
    room.close()
    assert not room.members
    assert not room.shared
    with pytest.raises(Refused, match="closed"):
        room.join("bob", "Bob")
    room.reopen()
    room.join("bob", "Bob")


def test_a_restarted_server_has_the_same_room_and_another_key(tmp_path: Path) -> None:
    room, said = open_room(tmp_path, ADDRESS)
    key = said.partition("#host=")[2].split()[0]
    assert len(key) == 22
    assert room.pin in said
    assert f"{ADDRESS}wall" in said
    room.join("ada", "Ada")
    room.host(Asker("helen"), key)
    room.set_controls(["model"], [])
    room.follow("0123456789ab", 40)
    room.share("upload:1", True)
    write_room(tmp_path, room.save())
    written = (tmp_path / ROOM_FILE).read_text(encoding="utf-8")
    assert key not in written
    assert (tmp_path / ROOM_FILE).stat().st_mode & 0o077 == 0
    again, _ = open_room(tmp_path, ADDRESS)
    assert again.save() == room.save()
    with pytest.raises(NotYours):
        again.host(Asker("mallory"), key)
    assert open_room(tmp_path, ADDRESS, "777777")[0].pin == "777777"


def test_a_damaged_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ROOM_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(Refused, match="damaged"):
        open_room(tmp_path, ADDRESS)


def test_the_start_says_how_phones_reach_it() -> None:
    from gradleak_core.room.opening import describe_room

    assert "needs https" in describe_room(Room("424242", ADDRESS), "k")
    assert "--certfile" not in describe_room(Room("424242", "https://192.0.2.7/"), "k")
    assert "no phone finds it" in describe_room(Room("424242", "http://localhost:8501/"), "k")
