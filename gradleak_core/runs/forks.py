"""Forks: runs that go on from the guess of another, and what stands in their way. Imports no torch."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from gradleak_core.runs.jobs import Job
from gradleak_core.runs.rows import take_threads
from gradleak_core.runs.shapes import is_frame
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused

INHERITED = {"images": "pictures", "size": "size", "channels": "colours", "classes": "number of classes"}
"""The fields in which a fork is like its parent, and what they are called."""


def read_fork(text: str) -> tuple[str, int]:
    """Returns the run and the iteration that a fork goes on from. Raises `Refused` for any other text."""
    found = re.fullmatch("([0-9a-f]{12})@([0-9]{1,6})", text)
    if found is None:
        raise Refused("A fork is named as run@iteration, such as 0123456789ab@40; leave it out for a new guess.")
    return found[1], int(found[2])


def add_start(name: str, experiment: Any) -> str:
    """Returns the name of a run, and of a fork where it goes on from, because its clock begins at its own start."""
    try:
        iteration = read_fork(experiment.get("fork", ""))[1]
    except Refused:
        return name
    return f"{name.removesuffix(f' · fork at {iteration}')} (goes on from iteration {iteration:,})"


def find_start(experiment: Any, store: Store) -> dict[str, Any]:
    """Returns the guess that a fork goes on from: its `picture` as base64, `labels`, `order` and `channels`.

    The picture is the attacker's own, as it was kept: with 8 bits a value, and above 64 pixels a side with a loss.
    Raises `Refused` where there is none, or where it does not fit.
    """
    run, iteration = read_fork(experiment["fork"])
    row = store.row(run)
    if row is None or row["status"] == "damaged":
        raise Refused("The run that this one goes on from was deleted; begin afresh.")
    other = [name for field, name in INHERITED.items() if row["experiment"].get(field) != experiment[field]]
    if other:
        raise Refused(
            f"A fork keeps the {' and '.join(other)} of the run that it goes on from; begin afresh to change this."
        )
    if not any(unknown["kind"] == "pixels" for unknown in experiment["attack"].get("unknowns", [])):
        raise Refused("This attack does not move a picture step by step, so it cannot go on from one; choose another.")
    picture = store.picture(run, iteration)
    frame = next((head["picture"] or {} for head in store.heads(run, iteration) if is_frame(head)), {})
    if not picture or not frame.get("labels"):
        raise Refused(f"No picture of iteration {iteration} was kept; choose another frame to go on from.")
    order = frame.get("order") or ([0] if len(frame["labels"]) == 1 else None)
    if order is None:
        raise Refused("This run is too old to go on from: the order of its pictures was not kept. Run it again first.")
    start = {"picture": base64.b64encode(picture).decode(), "labels": frame["labels"], "order": order}
    return start | {"channels": experiment["channels"]}


def problem_of_fork(experiment: Any, store: Store) -> str | None:
    """Returns why a fork cannot be run; None for one that can, and for any other run."""
    try:
        find_start(experiment, store) if experiment.get("fork") else None
    except Refused as refused:
        return str(refused)
    return None


def check_forks(experiments: Sequence[Any], store: Store) -> None:
    """Raises `Refused` with the first reason why one of these experiments cannot go on from where it should."""
    forks = [experiment for experiment in experiments if experiment.get("fork")]
    if forks:
        store.flush()
    for experiment in forks:
        find_start(experiment, store)


def make_job(rows: Sequence[Any], store: Store) -> Job:
    """Returns what a worker is given to play these queued runs together.

    Each has the CPU threads of its owner's earlier run of it, so that it gives the same bits, and a fork the guess that
    it goes on from. A fork whose guess is gone goes without, and the engine says so.
    """
    runs, starts = {}, {}
    for row in rows:
        experiment = row["experiment"]
        named = experiment.get("threads")
        runs[row["id"]] = (
            experiment if named else take_threads(experiment, store.result_of(experiment, row.get("owner")))
        )
        if experiment.get("fork"):
            with suppress(Refused):
                starts[row["id"]] = find_start(experiment, store)
    by = (rows[0]["race"] or {}).get("by", "iterations")
    return Job(runs, by, starts, owner=rows[0].get("owner"))
