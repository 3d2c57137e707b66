"""Rows of runs as pages and the API see them: names, set-ups and what stands in their way. Imports no torch."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradleak_core.config import demand
from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import fitting
from gradleak_core.config.schemas import string
from gradleak_core.config.titles import run_title
from gradleak_core.people import IN_ROOM, UNTOLD
from gradleak_core.runs.hub import MOST_TRIES, OVER
from gradleak_core.types import Refused
from gradleak_core.verdicts import UNFINISHED

TAKEN_UP = "The server stopped during this run. It goes on where it was when it is its turn."
STILL_PAUSED = "The server stopped during this run. Press Go on and it continues when it is its turn."
FATAL = (
    "The server went away three times at the same place of this run, so it is not tried again; lower its batch, "
    "its restarts or its size before you run it again."
)
Row = dict[str, Any]
SEEDS = 2**31
"""The number of seeds that a run can have."""
NAME = 120
"""The most characters of a run's name."""


def clean_name(name: Any) -> str:
    """Returns a name on one line, with something in it that can be seen. Raises `Refused`."""
    line = " ".join(name.split()) if isinstance(name, str) else ""
    if len(line) <= NAME and any(unicodedata.category(letter)[0] in "LNPS" for letter in string(line, path="A name")):
        return line
    raise Refused(f"A run's name must be a text of 1 to {NAME} characters.")


def freshen(experiments: Sequence[Any]) -> list[Any]:
    """Returns experiments with other seeds, drawn by chance; those that had the same one have the same again."""
    by = 1 + secrets.randbelow(SEEDS - 1)

    def move(experiment: Any) -> Any:
        seed = experiment.get("seed", 0) if isinstance(experiment, dict) else None
        return experiment | {"seed": (seed + by) % SEEDS} if isinstance(seed, int) else experiment

    return [move(experiment) for experiment in experiments]


def name_lanes(lanes: Sequence[tuple[str | None, Any]], catalogue: Any, folder: Path) -> dict[str, tuple[str, Any]]:
    """Returns the name and the whole experiment of runs to be computed together, by new ids. Raises `Refused`."""
    admitted = [admit(experiment, catalogue, folder) for _, experiment in lanes]
    demand.check_memory(admitted[0], catalogue, *admitted[1:])
    names = [name or run_title(lane, catalogue)[:NAME] for (name, _), lane in zip(lanes, admitted, strict=True)]
    return {secrets.token_hex(6): each for each in zip(names, admitted, strict=True)}


def complete_row(row: Row, catalogue: Any, place: Row) -> Row:
    """Returns a stored row with `steps`, its `place` in the queue and `problem`, without what says who may see it.

    `problem` is a sentence where the set-up cannot be used here, else None. What is missing in a set-up that is older
    than the catalogue is filled in; `catalogue` is None before the engine has started.
    """
    row = {name: value for name, value in row.items() if name not in (*UNTOLD, *IN_ROOM)}
    problem = _find_problem(row, catalogue)
    started = row.pop("started") or {}
    steps = started.get("steps", (row["experiment"].get("attack") or {}).get("steps"))
    return row | place | {"steps": steps, "problem": problem}


def _find_problem(row: Row, catalogue: Any) -> str | None:
    if row["status"] == "damaged" or catalogue is None:
        return row["message"] if row["status"] == "damaged" else None
    try:
        row["experiment"] = fitting(row["experiment"], catalogue)
    except Refused as refused:
        return f"The set-up of this run cannot be used here: {refused}"
    return None


def take_threads(experiment: Any, result: Any) -> Any:
    """Returns an experiment with the CPU threads that a result names, or unchanged if it names none."""
    threads = ((result or {}).get("experiment") or {}).get("threads")
    return experiment | {"threads": threads} if threads else experiment


def find_ending(row: Row) -> tuple[str, str] | None:
    """Returns the status and the sentence for a run that should not be tried again; None for any other run."""
    started = row["started"] or {}
    tried = started.get("given", 0) >= MOST_TRIES and started.get("given_at") == row["iteration"]
    return ("failed", FATAL) if tried and row["status"] in UNFINISHED else None


def take_up(row: Row) -> tuple[str, str] | None:
    """Returns the status and the sentence that a run has from a server that starts; None where it keeps its own."""
    if row["status"] == "running":
        return find_ending(row) or ("queued", TAKEN_UP)
    return find_ending(row)


def group_waiting(rows: list[Row]) -> list[list[Row]]:
    """Returns the rows, newest first, of runs that have not ended: oldest first, lanes of a race together."""
    groups: dict[str, list[Row]] = {}
    for row in reversed(rows):
        if row["status"] in UNFINISHED and find_ending(row) is None:
            groups.setdefault(row["race"]["id"] if row["race"] else row["id"], []).append(row)
    return list(groups.values())


def describe_end(row: Row) -> str:
    """Returns the sentence for a run that has ended and was asked to do something."""
    status = row["status"] if row["status"] in OVER else "over"
    return f"This run is {status} and cannot be changed any more; run it again instead."
