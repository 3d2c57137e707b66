"""Races of a service: several runs that are started, listed, exported and deleted as one. Imports no torch."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from contextlib import suppress
from typing import Any

from gradleak_core.config.admission import admit
from gradleak_core.config.races import check_lanes, check_race, lane_names, race_title
from gradleak_core.config.schemas import quoted
from gradleak_core.runs.forks import check_forks
from gradleak_core.runs.rows import NAME, clean_name
from gradleak_core.runs.service import NoRun, Service
from gradleak_core.types import Refused

Race = dict[str, Any]
KEPT_OF_RACE = ("id", "title", "by")
"""What is kept of a race beside each of its runs."""


def submit_race(service: Service, race: Any) -> Race:
    """Queues the lanes of a race as runs, each named by what differs. Returns the race. Raises as `submit` does."""
    catalogue = service.require_catalogue()
    asked = check_race(race)
    title = None if asked["title"] is None else clean_name(asked["title"])
    lanes = []
    for number, experiment in enumerate(asked["lanes"], 1):
        try:
            lanes.append(admit(experiment, catalogue, service.folder))
            check_forks(lanes[-1:], service.store)
        except Refused as refused:
            raise Refused(f"Lane {number}: {refused}") from refused
    check_lanes(lanes)
    head = {"id": secrets.token_hex(6), "by": asked["by"], "title": title or race_title(lanes, catalogue)[:NAME]}
    names = [f"{head['title']}: {name}"[:NAME] for name in lane_names(lanes, catalogue)]
    service.submit_lanes(list(zip(names, lanes, strict=True)), head)
    return get_race(service, head["id"])


def get_race(service: Service, race: str) -> Race:
    """Returns a race: `id`, `title`, `by`, as `lanes` the rows of its runs in order, and `names`. Raises `NoRun`."""
    lanes = [service.complete(row) for row in service.store.lanes(race)]
    if not lanes:
        raise NoRun(f"There is no race {quoted(race)}; it may have been deleted.")
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
    head = {name: value for name, value in get_race(service, race).items() if name in KEPT_OF_RACE}
    service.store.change_race(head | {"title": clean_name(title)}).result()


def delete_race(service: Service, race: str) -> None:
    """Stops a race if need be and removes all of its lanes. Raises `NoRun`."""
    for row in get_race(service, race)["lanes"]:
        with suppress(NoRun):
            service.delete(row["id"])


def export_race(service: Service, race: str) -> bytes:
    """Returns a zip of race.json and, in a folder for each lane, the files of its run. Raises `NoRun`."""
    found, out = get_race(service, race), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        lanes = [row["experiment"] for row in found["lanes"]]
        file.writestr("race.json", json.dumps({"title": found["title"], "by": found["by"], "lanes": lanes}, indent=2))
        for number, (row, name) in enumerate(zip(found["lanes"], found["names"], strict=True), 1):
            plain = re.sub(r"[^0-9a-z.]+", "-", name.lower()).strip("-.")[:40] or "lane"
            with zipfile.ZipFile(io.BytesIO(service.export(row["id"]))) as lane:
                for part in lane.namelist():
                    file.writestr(f"{number}-{plain}/{part}", lane.read(part))
    return out.getvalue()
