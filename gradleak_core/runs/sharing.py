"""Links by which others may watch a run or a race: made and revoked by its owner. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradleak_core.people import make_link
from gradleak_core.runs.service import Service

Act = Callable[[Service, str], object]
"""Makes or ends the link of a run or a race."""


def share_run(service: Service, run: str) -> str:
    """Returns the link of a run, made unless it has one. Raises `NoRun` for a run of somebody else."""
    with service.pictures.lock:  # or one of two that are asked for at once would be dead
        return open_rows(service, [service.find(run, to_change=True)], "link")


def share_race(service: Service, race: str) -> str:
    """Returns the link of a race, made unless it has one. Raises `NoRun` for a race of somebody else."""
    with service.pictures.lock:
        return open_rows(service, service.find_lanes(race, to_change=True), "race_link")


def open_rows(service: Service, rows: list[dict[str, Any]], column: str) -> str:
    """Returns the link in a column of stored runs, made unless there is one."""
    link = str(rows[0][column] or make_link())
    for row in rows:
        service.store.set_link(row["id"], column, link)
    return link


def link_of_run(service: Service, run: str) -> str | None:
    """Returns the link of a run; None without one. Raises `NoRun` for a run of somebody else."""
    link: str | None = service.find(run, to_change=True)["link"]
    return link


def link_of_race(service: Service, race: str) -> str | None:
    """Returns the link of a race; None without one. Raises `NoRun` for a race of somebody else."""
    link: str | None = service.find_lanes(race, to_change=True)[0]["race_link"]
    return link


def unshare_run(service: Service, run: str) -> None:
    """Ends the link of a run at once, also for those who watch. Raises `NoRun` for a run of somebody else."""
    service.revoke([service.find(run, to_change=True)], "link")


def unshare_race(service: Service, race: str) -> None:
    """Ends the link of a race at once, also for those who watch. Raises `NoRun` for a race of somebody else."""
    service.revoke(service.find_lanes(race, to_change=True), "race_link")
