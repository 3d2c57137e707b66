"""The page for a hall, and what it shows for the query of its address. Imports no torch."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gradleak_core.api.incoming import service_of
from gradleak_core.config import links
from gradleak_core.config.knobs import fitting
from gradleak_core.config.needs import labels_revealed
from gradleak_core.config.races import WAYS, check_lanes, lane_names, read_lane
from gradleak_core.data import class_names
from gradleak_core.places import ASSETS
from gradleak_core.runs import races
from gradleak_core.runs.service import Service
from gradleak_core.talks.form import BESIDE_A_SETUP
from gradleak_core.talks.recordings import is_of
from gradleak_core.types import JSON
from gradleak_core.verdicts import RECOGNISABLE_SSIM, SEEN, STATUSES, UNFINISHED, VISIBLY

FIRST_RECORDING = "recordings/first.json"
"""The recording in `assets/` of the set-up that a first visit sees."""
OWN_KEYS = (*BESIDE_A_SETUP, "chapter", "speaker")
"""The keys of the stage's address that belong to no set-up."""
WORDS = {
    "seen": SEEN,
    "recognisable_ssim": RECOGNISABLE_SSIM,
    "visibly": VISIBLY,
    "statuses": {status: row.word for status, row in STATUSES.items()},
}
"""The words that a guess and a run are described with."""


async def get_programme(request: Request) -> Response:
    """Answers with what the stage shows for the query of its address; no chapters where that names a talk."""
    service = service_of(request)
    query = {key: request.query_params.getlist(key) for key in request.query_params}
    return JSONResponse(await run_in_threadpool(make_programme, service, query))


def make_programme(service: Service, query: dict[str, list[str]]) -> JSON:
    """Returns the words of the stage, whether there is a room, and the chapters that a query names.

    Raises `NoRun` for a run or a race that is not there, `NotReady` before the engine has said what it can do, and
    `Refused` for a set-up that makes no sense.
    """
    head = {"words": WORDS, "room": getattr(service, "room", None) is not None}
    if "talk" in query:
        return head | {"title": "", "chapters": []}
    chapter = make_chapter(service, query)
    return head | {"title": chapter["title"], "chapters": [chapter]}


def make_chapter(service: Service, query: dict[str, list[str]]) -> JSON:
    """Returns the run, the race or the set-up that a query names as a chapter of a talk."""
    found = describe_asked(service, query)
    if found["recording"] is None and is_first(found["experiments"], service.require_catalogue()):
        found["recording"] = f"api/static/{FIRST_RECORDING}"
    return found


def describe_asked(service: Service, query: dict[str, list[str]]) -> JSON:
    """Returns the race, the run or the set-up that an address names, as a chapter."""
    run, race = query.get("run", [""])[-1], query.get("race", [""])[-1]
    if race:
        found = races.get_race(service, race)
        rows, names, by = found["lanes"], found["names"], found["by"]
        return describe_lanes(found["title"], [row["experiment"] for row in rows], names, by, rows)
    if run:
        row = service.run(run)
        return describe_lanes(row["name"], [row["experiment"]], [""], WAYS[0], [row])
    catalogue = service.require_catalogue()
    experiments = read_stage_setup(query, catalogue)
    return describe_lanes("", experiments, lane_names(experiments, catalogue), WAYS[0], [])


def read_stage_setup(query: dict[str, list[str]], catalogue: JSON) -> list[JSON]:
    """Returns the experiment that a link names, and those of its further lanes. Raises `Refused`."""
    setup = {key: values for key, values in query.items() if key not in (*OWN_KEYS, "lane")}
    first = links.from_query(setup, catalogue)
    experiments = [first, *(read_lane(text, first, catalogue) for text in dict.fromkeys(query.get("lane", [])))]
    if len(experiments) > 1:
        check_lanes(experiments)
    return experiments


def describe_lanes(title: str, experiments: list[JSON], names: list[str], by: str, rows: list[Any]) -> JSON:
    """Returns one run or the lanes of a race as a chapter. `rows` are the runs that show it already."""
    recording = None
    if len(rows) == 1 and rows[0]["status"] not in UNFINISHED:
        recording = f"api/runs/{rows[0]['id']}/recording"
    return {
        "title": title,
        "show": "race" if len(experiments) > 1 else "run",
        "experiments": experiments,
        "names": names,
        "by": by,
        "runs": [row["id"] for row in rows],
        "race": rows[0]["race"]["id"] if len(rows) > 1 else None,
        "classes": class_names(experiments[0].get("images", [])),
        "told": [bool(one) and labels_revealed(one) for one in experiments],
        "recording": recording,
    }


def is_first(experiments: list[JSON], catalogue: JSON) -> bool:
    """Returns whether these are the set-up of the recording that a first visit sees, forked or not."""
    whole = [experiment | {"fork": ""} for experiment in experiments]
    return is_of(read_first(), whole, lambda experiment: fitting(experiment, catalogue) | {"fork": ""})


@lru_cache(1)
def read_first() -> JSON:
    """Returns the recording that a first visit sees."""
    return json.loads((ASSETS / FIRST_RECORDING).read_text("utf-8"))
