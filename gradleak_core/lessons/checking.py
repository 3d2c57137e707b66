"""Checks what a lesson sets up against what the engine can do. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import start
from gradleak_core.config.links import read_changes, tell_plainly
from gradleak_core.config.races import MOST_LANES, check_lanes, read_lane
from gradleak_core.config.teaching import STATIONS, Teaching, read_teaching
from gradleak_core.lessons.reading import Lesson
from gradleak_core.types import JSON, Refused

EXTRAS = ("presets", "race", "downloads", "charts", "tiles")
"""What else a lesson leaves out unless it is to be shown; pictures and scores are always there."""


def teach(lesson: Lesson) -> Teaching:
    """Returns what a lesson hides and locks: all but the pictures and what it shows."""
    rest = {*STATIONS, *EXTRAS} - {*lesson.show}
    return Teaching(frozenset(rest | {*lesson.hide}), frozenset(lesson.lock))


def set_up(lesson: Lesson, catalogue: JSON) -> JSON:
    """Returns the experiment of a lesson as far as it makes sense."""
    return read_changes(parse_qs(lesson.setup), catalogue, start(catalogue))[0]


def set_up_lanes(lesson: Lesson, catalogue: JSON) -> list[JSON]:
    """Returns the experiments of a lesson's race, the set-up first; only that one where it has no lanes."""
    first = set_up(lesson, catalogue)
    return [first, *(read_lane(text, first, catalogue) for text in lesson.lanes)]


def check_lesson(lesson: Lesson, catalogue: JSON, folder: Path | None = None) -> list[str]:
    """Returns one sentence on each mistake in what a lesson sets up, with its file and line.

    `folder` is the data folder, the usual one unless given.
    """
    complaints = list(_check_setup(lesson, catalogue, folder))
    for key in ("show", "hide", "lock"):
        if words := getattr(lesson, key):
            asked = "lock" if key == "lock" else "hide"
            found = read_teaching({asked: ",".join(words)}, catalogue).complaints
            complaints += [f"{lesson.place(key)}: {sentence.replace('This link', 'A lesson')}" for sentence in found]
    return complaints or list(_check_lanes(lesson, catalogue, folder))


def _check_setup(lesson: Lesson, catalogue: JSON, folder: Path | None) -> Iterator[str]:
    query = parse_qs(lesson.setup, keep_blank_values=True)
    experiment, complaints = read_changes(query, catalogue, start(catalogue))
    yield from (f"{lesson.place('setup')}: {tell_plainly(said, catalogue)}" for said in complaints)
    if lesson.setup and not query:
        yield f"{lesson.place('setup')}: the set-up must be the part of a link after its question mark."
    if not complaints:
        yield from _try_to_admit(experiment, catalogue, folder, lesson.place("setup"))


def _check_lanes(lesson: Lesson, catalogue: JSON, folder: Path | None) -> Iterator[str]:
    if lesson.deed.rule == "race" and not lesson.lanes:
        yield f"{lesson.place('do')}: a race needs a second lane; add a line lane: path=value."
    if lesson.deed.rule != "race" and lesson.lanes:
        yield f"{lesson.place('do')}: with lanes, what is to be done must be race."
    if len(lesson.lanes) >= MOST_LANES:
        yield f"{lesson.place('lane')}: a race has at most {MOST_LANES} lanes, the set-up included."
    first = set_up(lesson, catalogue)
    lanes = [first]
    for number, text in enumerate(lesson.lanes):
        try:
            lanes.append(read_lane(text, first, catalogue))
            check_lanes(lanes)
        except Refused as refused:
            yield f"{lesson.place('lane', number)}: {refused}"
            return
        yield from _try_to_admit(lanes[-1], catalogue, folder, lesson.place("lane", number))


def _try_to_admit(experiment: JSON, catalogue: JSON, folder: Path | None, place: str) -> Iterator[str]:
    try:
        admit(experiment, catalogue, folder)
    except Refused as refused:
        yield f"{place}: {refused}"
