"""Chapters and recordings made of runs that the server has. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from gradleak_core.config.races import lane_names
from gradleak_core.runs.exports.raced import record_race
from gradleak_core.runs.races import submit_race
from gradleak_core.runs.service import Service
from gradleak_core.talks.chapters import BY, find_experiments
from gradleak_core.talks.recordings import lanes_of, outcome, slim_recording
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import UNFINISHED

REHEARSED = "Rehearsal: "
"""How the names of runs begin that a rehearsal has started."""


def start_chapter(service: Service, chapter: JSON) -> list[str]:
    """Queues the run or the race of a chapter, and returns the ids of its runs. Raises as `Service.submit` does."""
    catalogue = service.require_catalogue()
    experiments = find_experiments(chapter, catalogue, lambda one: service.admit(one, catalogue))
    title = f"{REHEARSED}{chapter['title']}"
    if len(experiments) == 1:
        return [service.submit(experiments[0], title)]
    race = submit_race(service, {"lanes": experiments, "title": title, "by": BY})
    return [row["id"] for row in race["lanes"]]


def has_ended(service: Service, runs: Sequence[str]) -> bool:
    """Returns whether all of some runs are over. Raises `NoRun` where one was deleted."""
    return all(service.run(run)["status"] not in UNFINISHED for run in runs)


def record_stored(service: Service, runs: Sequence[str], title: str) -> JSON:
    """Returns a small recording of a run that is over, or of the lanes of a race. Raises `NoRun` or `Refused`."""
    recordings = [service.recording(run) for run in runs]
    for recording in recordings:
        if not recording["result"]:
            raise Refused(str(recording["head"].get("message") or "The run has no result, so there is no recording."))
    if len(recordings) == 1:
        return slim_recording(recordings[0], title)
    experiments = [recording["experiment"] for recording in recordings]
    catalogue = service.require_catalogue()
    race = {"title": title, "by": BY, "names": lane_names(experiments, catalogue)}
    return slim_recording(record_race(race, experiments, recordings, catalogue), title)


def outcomes_of(recording: JSON) -> list[str]:
    """Returns what came of each lane of a recording, as a chapter's `expect` says it."""
    return [outcome(lane) for lane in lanes_of(recording)]
