"""The games of a room: one question at a time, asked of members only."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from gradleak_core.people import NotAdmitted
from gradleak_core.room.challenges import Challenge
from gradleak_core.room.games import Games
from gradleak_core.room.naming import Naming
from gradleak_core.room.polls import ask_room
from gradleak_core.types import Refused

MEMBERS = {"anna": "Anna", "ben": "Ben"}
NOW = {"iteration": 3, "seconds": 0.3, "ssim": 0.4, "picture": "data:,"}


def asking(game: Any) -> Games:
    games = Games(MEMBERS)
    games.ask(game)
    return games


@pytest.mark.parametrize("person", [None, "", "stranger"])
def test_only_members_vote_and_name(person: Any) -> None:
    poll, naming = ask_room("leaks"), Naming(["cat"], shown=NOW)
    with pytest.raises(NotAdmitted):
        asking(poll).vote(person, poll.id, 0)
    with pytest.raises(NotAdmitted):
        asking(naming).answer(person, naming.id, "cat")
    assert poll.votes == {}
    assert naming.answers == {}


@pytest.mark.parametrize("other", ["", None, "ffffffff", 3, ["x"]])
def test_a_vote_for_another_question_does_not_count_in_this_one(other: Any) -> None:
    poll, naming = ask_room("leaks"), Naming(["cat"], shown=NOW)
    with pytest.raises(Refused, match="not being asked"):
        asking(poll).vote("anna", other, 0)
    with pytest.raises(Refused, match="not being asked"):
        asking(naming).answer("anna", other, "cat")
    with pytest.raises(Refused, match="not being asked"):
        asking(naming).vote("anna", naming.id, 0)
    with pytest.raises(Refused, match="not being asked"):
        asking(poll).answer("anna", poll.id, "cat")
    with pytest.raises(Refused, match="not being asked"):
        Games(MEMBERS).vote("anna", other, 0)
    assert poll.votes == {}


def test_votes_at_the_same_time_are_counted_once_each() -> None:
    poll = ask_room("leaks")
    games = Games({str(number): f"N{number}" for number in range(20)})
    games.ask(poll)
    start = threading.Barrier(8)

    def press() -> None:
        start.wait()
        for number in range(100):
            games.vote(str(number % 20), poll.id, number % 2)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    poll.reveal([0])
    assert sum(poll.common()["counts"]) == 20


def test_one_thing_is_asked_at_a_time() -> None:
    games = asking(ask_room("leaks"))
    with pytest.raises(Refused, match="already"):
        games.ask(Naming(["cat"], shown=NOW))
    games.dismiss()
    games.ask(Naming(["cat"], shown=NOW))
    games.asked.reveal(2)
    games.ask(ask_room("leaks"))
    assert len(games.namings) == 1
    assert games.polls == []


def test_what_was_dropped_before_its_reveal_does_not_count() -> None:
    naming = Naming(["cat"], images=["sample:chelsea"])
    for game in (ask_room("leaks"), naming):
        games = asking(game)
        games.dismiss()
        games.dismiss()
        assert (games.polls, games.namings, games.asked) == ([], [], None)
        assert game.state == "dropped"
    assert not games.covers(["sample:chelsea"])


def test_a_picture_is_covered_while_it_is_being_named() -> None:
    games = asking(Naming(["cat"], images=["sample:chelsea"], shown=NOW))
    assert games.covers(["sample:coffee", "sample:chelsea"])
    assert not games.covers(["sample:coffee"])
    for odd in (None, "sample:chelsea", 3, []):
        assert not games.covers(odd)
    games.asked.reveal(2)
    assert not games.covers(["sample:chelsea"])
    assert not Games(MEMBERS).covers(["sample:chelsea"])


def test_all_games_survive_a_restart() -> None:
    games = asking(ask_room("leaks"))
    games.vote("anna", games.asked.id, 1)
    games.asked.reveal([1])
    games.ask(Naming(["cat"], images=["sample:chelsea"], shown=NOW))
    games.answer("ben", games.asked.id, "cat")
    games.challenges.append(Challenge("picture", {"size": 8}))
    games.asked.shown = None  # which a server that starts shows anew
    again = Games(MEMBERS)
    again.load(json.loads(json.dumps(games.save())))
    assert again.snapshot("ben") == games.snapshot("ben")
    assert again.polls == games.polls
    assert again.covers(["sample:chelsea"])
    games.dismiss()
    games.ask(ask_room("leaks"))
    again.load(json.loads(json.dumps(games.save())))
    assert again.asked == games.asked


def test_what_another_version_has_saved_can_be_loaded() -> None:
    games = asking(ask_room("leaks"))
    saved = games.save()
    saved["poll"] |= {"gone": 1}
    del saved["poll"]["race"], saved["challenges"]
    again = Games(MEMBERS)
    again.load(saved)
    assert again.asked == games.asked
    again.load({})
    assert again.asked is None
