"""Races of a service: several runs that are started, listed, exported and deleted as one. Imports no torch."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from gradleak_core.config.races import check_lanes, check_race, lane_names, race_title
from gradleak_core.people import NotYours, read_reference, write_reference
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.exports.raced import choose_common, record_race
from gradleak_core.runs.forks import check_forks
from gradleak_core.runs.protocol import encode
from gradleak_core.runs.recording import make_recording
from gradleak_core.runs.rows import NAME, clean_name, freshen, take_threads
from gradleak_core.runs.service import Service
from gradleak_core.types import Refused

Race = dict[str, Any]
KEPT_OF_RACE = ("id", "title", "by")
"""What is kept of a race beside each of its runs."""


def submit_race(service: Service, race: Any, *, fresh: bool = False) -> Race:
    """Queues the lanes of a race as runs, each named by what differs. Returns the race. Raises as `submit` does.

    One that is there already is joined, as `Service.submit` says; all lanes of one that is `fresh` get another seed.
    """
    service.require_admission()
    catalogue = service.require_catalogue()
    asked = check_race(race)
    title = None if asked["title"] is None else clean_name(asked["title"])
    lanes = []
    for number, experiment in enumerate(freshen(asked["lanes"]) if fresh else asked["lanes"], 1):
        try:
            lanes.append(service.admit(experiment, catalogue))
            service.check_parents(lanes[-1:])
            check_forks(lanes[-1:], service.store)
        except Refused as refused:
            raise Refused(f"Lane {number}: {refused}") from refused
    check_lanes(lanes)
    head = {"id": secrets.token_hex(6), "by": asked["by"], "title": title or race_title(lanes, catalogue)[:NAME]}
    names = [f"{head['title']}: {name}"[:NAME] for name in lane_names(lanes, catalogue)]
    runs = service.submit_lanes(list(zip(names, lanes, strict=True)), head)
    return get_race(service, service.find(runs[0])["race"]["id"])


def get_race(service: Service, race: str, **right: bool) -> Race:
    """Returns a race: `id`, `title`, `by`, as `lanes` the rows of its runs in order, and `names`.

    `right` says what is to be done with it, and the errors are raised, as by `Access.find_lanes`.
    """
    link, lanes = read_reference(race)[1], []
    for row in map(service.complete, service.find_lanes(race, **right)):
        head = row["race"] | {"id": write_reference(row["race"]["id"], link)}
        lanes.append(row | {"id": write_reference(row["id"], link), "race": head})
    return complete_race(lanes, service.catalogue())


def complete_race(lanes: list[Any], catalogue: Any) -> Race:
    """Returns a race from the rows of its runs: `id`, `title`, `by`, `lanes`, and `names` by what differs."""
    usable = catalogue is not None and all(row["problem"] is None for row in lanes)
    names = lane_names([row["experiment"] for row in lanes], catalogue) if usable else [row["name"] for row in lanes]
    return {**lanes[0]["race"], "lanes": lanes, "names": names}


def list_races(service: Service) -> list[Race]:
    """Returns all races, newest first."""
    races: dict[str, list[Any]] = {}
    for row in service.runs():
        if row["race"]:
            races.setdefault(row["race"]["id"], []).insert(0, row)
    return [complete_race(lanes, service.catalogue()) for lanes in races.values()]


def rename_race(service: Service, race: str, title: Any) -> None:
    """Gives a race another title. Raises `NoRun` or `Refused`."""
    head = {name: value for name, value in get_race(service, race, to_change=True).items() if name in KEPT_OF_RACE}
    service.store.change_race(head | {"title": clean_name(title)}).result()


def delete_race(service: Service, race: str) -> None:
    """Stops a race if need be and removes all of its lanes, or leaves it to others. Raises `NoRun`."""
    for row in get_race(service, race, to_leave=True)["lanes"]:
        with suppress(NoRun, NotYours):  # whoever leaves one lane has left all
            service.delete(row["id"])


def export_race(service: Service, race: str, kind: str = "zip") -> bytes:
    """Returns a race as a file of one of `RACE_KINDS`. Raises `NoRun`, and `Refused` or `Busy`."""
    found = get_race(service, race)
    for row in found["lanes"]:
        row["id"] = read_reference(row["id"])[0]
    traces = [service.loaded(row["id"]) for row in found["lanes"]]
    chosen = choose_common([trace.frames for trace in traces], found["by"])
    lanes, experiments = [], [row["experiment"] for row in found["lanes"]]
    for row, trace, kept in zip(found["lanes"], traces, chosen, strict=True):
        row["experiment"] = take_threads(row["experiment"], row["result"])
        lanes.append(make_recording(row, trace, service.store, kept))
    usable = all(row["problem"] is None for row in found["lanes"])
    recording = record_race(found, experiments, lanes, service.catalogue() if usable else None)
    return service.maker.make(kind, encode(recording), " ".join(row["id"] for row in found["lanes"]), service.person)
