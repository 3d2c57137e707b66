"""What a room's games play: set-ups that a host chooses, a guess that forms on the phones, and what came out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradleak_core.api import room_plays
from gradleak_core.api.room_desk import GameDesk, count_runs
from gradleak_core.api.room_plays import FormingGuess, make_naming, make_poll, read_results, read_setups, start_poll
from gradleak_core.api.room_tiles import call_run
from gradleak_core.config.admission import admit
from gradleak_core.room.games import Games
from gradleak_core.room.naming import Naming
from gradleak_core.runs.access import NoRun
from gradleak_core.types import Refused
from tests.runs.toy_engine import catalogue, experiment

PRESETS = [
    {"name": "first", "title": "First", "promise": "", "experiment": experiment(), "against": []},
    {"name": "race", "title": "Race", "promise": "", "experiment": experiment(), "against": [experiment(steps=7)]},
]


class Desk:
    """A service that starts nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started, self.rows = folder, [], {}  # type: ignore[var-annotated]

    def require_catalogue(self) -> Any:
        return catalogue() | {"presets": PRESETS}

    def admit(self, setup: Any, known: Any) -> Any:
        return admit(setup, known, self.folder)

    def submit(self, setup: Any) -> str:
        self.started.append(setup)
        return f"run {len(self.started)}"

    def run(self, run: str) -> Any:
        return self.rows[run]


@pytest.fixture
def service(tmp_path: Path) -> Any:
    return Desk(tmp_path)


def test_a_preset_is_one_set_up_or_a_race(service: Any) -> None:
    assert [len(read_setups(service, {"preset": name})) for name in ("first", "race")] == [1, 2]


@pytest.mark.parametrize("address", ["http://10.0.0.7:8501/?size=16&lane=size%3D32", "?size=16&lane=size%3D32"])
def test_an_address_of_the_lab_names_a_set_up(service: Any, address: str) -> None:
    shown = f"{address}&run=0123456789ab&watch=1&at=40&hide=model&lang=de"
    assert [setup["size"] for setup in read_setups(service, {"setup": shown})] == [16, 32]


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"preset": "none"}, {"preset": None}, {"preset": ["first"]}, {"setup": 7}, {"setup": "nonsense"},
        {"setup": "http://10.0.0.7:8501/"}, {"setup": "?sise=16"}, {"setup": "?size=16&lane=sise%3D3"},
        {"setup": "?size=" + "1" * 5000},
    ],
)  # fmt: skip
def test_a_set_up_that_is_none_is_refused_in_one_sentence(service: Any, sent: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_setups(service, sent)
    assert "\n" not in str(refused.value)


def test_a_question_about_one_run_starts_it_when_the_votes_are_in(service: Any) -> None:
    poll = make_poll(service, {"kind": "leaks", "preset": "race"})
    assert (len(poll.setups), service.started) == (1, [])
    assert poll.about == "Toy · Net · astronaut"
    start_poll(service, poll)
    assert (poll.played, len(service.started)) == (["run 1"], 1)


def test_a_question_that_compares_names_the_lanes(service: Any) -> None:
    poll = make_poll(service, {"kind": "hides", "setup": "?size=16&lane=size%3D32"})
    assert [option["text"] for option in poll.options] == ["Size 16", "Size 32"]
    with pytest.raises(Refused, match="choose a race"):
        make_poll(service, {"kind": "hides", "preset": "first"})


def test_an_own_question_may_be_about_nothing(service: Any) -> None:
    poll = make_poll(service, {"kind": "own", "question": "Why?", "options": ["a", "b"]})
    start_poll(service, poll)
    assert (poll.setups, poll.played, service.started) == ([], [], [])


def test_nothing_is_said_of_a_run_before_its_end(service: Any) -> None:
    poll = make_poll(service, {"kind": "leaks", "preset": "first"})
    start_poll(service, poll)
    service.rows["run 1"] = {"status": "running", "result": None, "race": None}
    with pytest.raises(Refused, match="still runs"):
        read_results(service, poll)
    service.rows["run 1"] = {"status": "done", "result": {"a": 1}, "race": None}
    assert read_results(service, poll) == ([{"a": 1}], "iterations")


def test_a_sample_is_named_by_its_own_words_and_the_hosts(service: Any) -> None:
    naming, setup = make_naming(service, {"preset": "first"}, ["Eileen"])
    assert setup["images"] == naming.images == ["sample:astronaut"]
    assert naming.right("Astronautin")
    assert naming.right("eileen")
    assert not naming.right("rocket")


def test_a_batch_has_no_name(service: Any) -> None:
    with pytest.raises(Refused, match="one picture"):
        make_naming(service, {"setup": "?image=sample:astronaut&image=sample:coffee"}, [])


def test_an_upload_needs_the_hosts_words(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = experiment() | {"images": ["upload:" + "0" * 64]}
    monkeypatch.setattr(room_plays, "read_setups", lambda *_: [mine])
    monkeypatch.setattr(service, "admit", lambda setup, _: setup)
    with pytest.raises(Refused, match="which words"):
        make_naming(service, {}, [])
    assert make_naming(service, {}, ["Rex"])[0].words == ["Rex"]


# --- the guess on the phones ------------------------------------------------------------------------------------------


def forming(frames: int, over: bool = True) -> tuple[FormingGuess, Any, Any]:
    """A guess that forms within 10 s of a clock that one sets."""
    rows = [{"iteration": 10 * at, "seconds": at / 10, "metrics": {"ssim": at / 100}} for at in range(1, frames + 1)]
    trace = SimpleNamespace(frames=rows, head={"labels": [3], "steps": 200}, over=over)

    async def find(run: str) -> Any:
        return trace

    def picture(run: str, iteration: int) -> bytes:
        if iteration == 50:
            raise NoRun("There is none.")
        return b"\x89PNG of %d" % iteration

    now = SimpleNamespace(value=100.0)
    service: Any = SimpleNamespace(hub=SimpleNamespace(trace=find, known={}), picture=picture)
    naming = Naming([], run="0123456789ab", images=["dataset:cifar10/test/1"], lasts=10)
    return FormingGuess(service, naming, lambda: now.value), trace, now


def test_the_guess_forms_in_the_time_that_the_host_gives_it() -> None:
    guess, _, now = forming(20)
    seen = []
    for second in (0, 0, 1, 5, 9.9, 60):
        now.value = 100 + second
        asyncio.run(guess.advance())
        seen.append(guess.naming.shown["iteration"])
    assert seen == [10, 10, 30, 110, 200, 200]
    assert guess.naming.shown["ssim"] == 0.2
    assert guess.naming.shown["picture"].startswith("data:image/png;base64,")


def test_nothing_is_shown_before_the_first_frame_nor_without_a_picture() -> None:
    guess, trace, now = forming(0, over=False)
    assert asyncio.run(guess.advance()) is False
    assert guess.naming.shown is None
    trace.frames.append({"iteration": 50, "seconds": 1, "metrics": {}})
    assert asyncio.run(guess.advance()) is False
    trace.frames.append({"iteration": 60, "seconds": 1, "metrics": {}})
    now.value += 20
    assert asyncio.run(guess.advance()) is True
    assert guess.naming.shown["ssim"] is None


def test_a_run_that_comes_to_nothing_is_said_once() -> None:
    guess, trace, _ = forming(0, over=False)
    assert asyncio.run(guess.advance()) is False
    assert guess.naming.common()["failed"] is False
    trace.over = True
    assert [asyncio.run(guess.advance()) for _ in range(2)] == [True, False]
    assert guess.naming.common()["failed"] is True


def test_the_class_is_learnt_with_the_first_frame() -> None:
    guess, _, _ = forming(20)
    assert not guess.naming.right("Katze")
    asyncio.run(guess.advance())
    assert guess.naming.right("Katze")


def test_the_phones_are_told_of_each_frame_once_and_of_none_after_the_reveal(monkeypatch: pytest.MonkeyPatch) -> None:
    guess, _, now = forming(20)
    told = []

    async def sleep(seconds: float) -> None:
        now.value += 1
        if len(told) == 5:
            guess.naming.reveal(1)

    monkeypatch.setattr(room_plays.asyncio, "sleep", sleep)
    asyncio.run(guess.play(lambda: told.append(guess.naming.shown["iteration"])))
    assert told == [10, 30, 70, 90, 110]


def test_a_naming_that_is_dropped_ends_its_task() -> None:
    guess, _, _ = forming(20)

    async def play() -> None:
        games = Games({})
        desk = GameDesk(games, guess.service, lambda: None)
        desk.ask(guess.naming)
        desk.play(guess.naming)
        await asyncio.sleep(0)
        desk.dismiss()
        await asyncio.wait_for(asyncio.gather(*desk.tasks), 10)

    asyncio.run(play())


def test_runs_are_counted_by_who_started_or_joined_them() -> None:
    rows = [{"owner": "a"}, {"owner": "a", "people": ["a", "b"]}, {"owner": None}, {"owner": "stranger"}]
    assert count_runs(rows, {"a": "A", "b": "B", "c": "C"}) == {"a": 2, "b": 1}


def test_a_lane_is_called_by_what_sets_it_apart() -> None:
    race = {"title": "Race of 3: defences, attack"}
    assert call_run({"name": "Race of 3: defences, attack: no defence, iDLG", "race": race}) == "no defence, iDLG"
    assert call_run({"name": "iDLG · LeNet", "race": None}) == "iDLG · LeNet"
