"""What the games of a room play, and what came of it, by the server's own runs. Imports no torch."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gradleak_core.config.differences import shared_setup
from gradleak_core.config.links import from_query
from gradleak_core.config.races import lane_names, read_lane
from gradleak_core.config.schemas import quoted, string
from gradleak_core.config.titles import run_title
from gradleak_core.languages import say
from gradleak_core.places import ASSETS
from gradleak_core.room.challenges import read_costs
from gradleak_core.room.naming import Naming, find_shown
from gradleak_core.room.polls import COMPARES, Poll, ask_room
from gradleak_core.room.words import words_of
from gradleak_core.runs import races
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.hub import Trace
from gradleak_core.runs.recording import data_url
from gradleak_core.runs.service import Service
from gradleak_core.talks.form import BESIDE_A_SETUP
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import UNFINISHED

LOOK_EVERY = 0.25
"""The seconds between two looks at a guess that forms on the phones."""


def read_setups(service: Service, sent: JSON) -> list[JSON]:
    """Returns the experiments that a host has chosen, several for a race: a preset, or an address of the Lab.

    Raises `Refused`.
    """
    catalogue = service.require_catalogue()
    if sent.get("setup"):
        return read_address(string(sent["setup"], None, 4000, say("A set-up")), catalogue)
    name = sent.get("preset")
    preset = next((row for row in catalogue["presets"] if row["name"] == name), None)
    if preset is None:
        raise Refused(say("There is no set-up {name}; choose one of the list.", name=quoted(name)))
    return [preset["experiment"], *preset["against"]]


def read_address(address: str, catalogue: JSON) -> list[JSON]:
    """Returns the experiments that an address of the Lab names, several if it names a race. Raises `Refused`."""
    query = parse_qs(urlsplit(address).query or address.rpartition("?")[2])
    if not query:
        raise Refused(
            say("This address names no set-up; copy it from the Lab, with all that follows the question mark.")
        )
    lanes = query.pop("lane", [])
    first = from_query({key: values for key, values in query.items() if key not in BESIDE_A_SETUP}, catalogue)
    return [first, *(read_lane(lane, first, catalogue) for lane in lanes)]


def make_poll(service: Service, sent: JSON) -> Poll:
    """Returns the question that a host asks, with what the server plays for it. Raises `Refused`."""
    kind, catalogue = sent.get("kind"), service.require_catalogue()
    setups = [] if kind == "own" and not (sent.get("setup") or sent.get("preset")) else read_setups(service, sent)
    compares = kind in COMPARES
    setups = [service.admit(setup, catalogue) for setup in (setups if compares else setups[:1])]
    lanes = lane_names(setups, catalogue) if compares and len(setups) > 1 else []
    given = {name: sent.get(name) for name in ("question", "options", "bounds", "right")}
    poll = ask_room(kind, **given, lanes=lanes)
    poll.setups, poll.about = setups, describe_setups(setups, catalogue)
    return poll


def describe_setups(setups: list[JSON], catalogue: JSON) -> str:
    """Names what is played: a run by its title, a race by what its lanes share."""
    if not setups:
        return ""
    return run_title(setups[0], catalogue) if len(setups) == 1 else shared_setup(setups, catalogue)


def start_poll(service: Service, poll: Poll) -> None:
    """Starts what a question is about, now that the votes are in. Raises as `Service.submit` does."""
    if len(poll.setups) == 1:
        poll.played = [service.submit(poll.setups[0])]
    elif poll.setups:
        race = races.submit_race(service, {"lanes": poll.setups})
        poll.race, poll.played = race["id"], [row["id"] for row in race["lanes"]]


def read_results(service: Service, poll: Poll) -> tuple[list[Any], str]:
    """Returns the results of what a question was about, in the order of its lanes, and the clock of the race.

    Raises `Refused` while a run still goes on.
    """
    rows = [service.run(run) for run in poll.played]
    if any(row["status"] in UNFINISHED for row in rows):
        raise Refused(say("It still runs; wait for its end. A run that you stop may leave the question open."))
    by = next((row["race"]["by"] for row in rows if row["race"]), "iterations")
    return [row["result"] for row in rows], by


def make_naming(service: Service, sent: JSON, words: list[str]) -> tuple[Naming, JSON]:
    """Returns the naming that a host begins, and its experiment, of one picture. Raises `Refused`."""
    catalogue = service.require_catalogue()
    experiment = service.admit(read_setups(service, sent)[0], catalogue)
    if len(experiment["images"]) != 1:
        raise Refused(say("Choose a set-up of one picture; a batch has no single name."))
    image, labels = experiment["images"][0], experiment["labels"] or [None]
    known = words_of(image, labels[0])
    if not words and not known and image.startswith("upload:"):
        raise Refused(say("Say which words are right; the server does not know what is on your picture."))
    naming = Naming([], images=[image])
    naming.learn([*known, *words])
    return naming, experiment


class FormingGuess:
    """The guess of the run that is being named, as it forms on the phones."""

    def __init__(self, service: Service, naming: Naming, clock: Callable[[], float] = time.monotonic) -> None:
        self.service, self.naming, self._clock = service, naming, clock
        self._begun: float | None = None
        self._trace: Trace | None = None

    async def play(self, changed: Callable[[], None]) -> None:
        """Shows frame after frame until the naming is revealed, and calls `changed` at each."""
        while self.naming.state == "forming":
            if await self.advance():
                changed()
            await asyncio.sleep(LOOK_EVERY)

    async def advance(self) -> bool:
        """Shows the frame of this moment. Returns whether it is another one than before."""
        self._trace = self._trace or await self.service.hub.trace(self.naming.run)
        trace, naming = self._trace, self.naming
        if trace is None or not trace.frames:
            known, naming.failed = naming.failed, trace is None or trace.over
            return naming.failed and not known
        self._begun = self._clock() if self._begun is None else self._begun
        labels = trace.head["labels"]
        naming.learn(words_of(naming.images[0], labels[0]) if labels else [])
        iterations = [frame["iteration"] for frame in trace.frames]
        steps = trace.head["steps"] or iterations[-1]
        at = find_shown(self._clock() - self._begun, naming.lasts, iterations, steps, trace.over)
        before = naming.shown["iteration"] if naming.shown else 0
        if at is None or iterations[at] <= before:
            return False
        frame = trace.frames[at]
        try:
            picture = await asyncio.to_thread(self.service.picture, naming.run, frame["iteration"])
        except NoRun:  # a frame without a picture is passed over
            return False
        numbers = {"seconds": frame["seconds"], "ssim": (frame["metrics"] or {}).get("ssim")}
        naming.shown = {"iteration": frame["iteration"], "picture": data_url(picture)} | numbers
        return True


@lru_cache(1)
def recorded_costs() -> dict[str, Any]:
    """Returns what each defence cost where its trade-off was recorded, as `read_costs` does."""
    return read_costs(json.loads((ASSETS / "trade_off.json").read_text(encoding="utf-8")))
