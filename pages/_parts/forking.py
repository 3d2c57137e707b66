"""Forks: set-ups that go on from the guess of a run, with any knob changed."""

from __future__ import annotations

from gradleak_core.runs.forks import read_fork
from gradleak_core.types import JSON, Refused
from pages._parts import setup
from pages._parts.card import card
from pages._parts.engine import usable


def fork(at: str) -> None:
    """Makes the set-up of a run the current one, to go on from its guess; `at` is run@iteration. The run stays near."""
    row = parent({"fork": at})
    if row is not None:
        setup.take(row["experiment"] | {"fork": at}, row["id"])


def parent(experiment: JSON) -> JSON | None:
    """Returns the run from which the set-up goes on; None without one that is still there."""
    try:
        return usable(read_fork(experiment["fork"])[0]) if experiment["fork"] else None
    except Refused:
        return None


def parent_card(experiment: JSON) -> None:
    """Shows which run the set-up goes on from, and where; one press shows that run."""
    row = parent(experiment)
    if row is not None:
        iteration = read_fork(experiment["fork"])[1]
        card(f"Fork of iteration {iteration:,}", row, "-parent", iteration)


def start_of(experiment: JSON) -> JSON:
    """Returns the run and the iteration whose picture the set-up begins with, for the live view; None for no fork."""
    if parent(experiment) is None:
        return None
    run, iteration = read_fork(experiment["fork"])
    return {"run": run, "iteration": iteration}
