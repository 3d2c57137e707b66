"""Tags of runs, and what is done to several runs at once. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from gradleak_core.config.schemas import quoted
from gradleak_core.people import NotYours
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.rows import clean_name
from gradleak_core.runs.service import Service
from gradleak_core.types import Refused

MOST_TAGS = 8
LONGEST_TAG = 24
"""The most characters of a tag."""


def clean_tags(tags: Any) -> list[str]:
    """Returns tags on one line each, without those that differ in case only. Raises `Refused`."""
    if not isinstance(tags, list) or len(tags) > MOST_TAGS:
        raise Refused(f"A run has at most {MOST_TAGS} tags, given as a list of texts.")
    found: dict[str, str] = {}
    for tag in tags:
        try:
            line = clean_name(tag)
        except Refused as refused:
            raise Refused(f"A tag must be a text of 1 to {LONGEST_TAG} characters.") from refused
        if len(line) > LONGEST_TAG:
            raise Refused(f"The tag {quoted(line)} is too long; use at most {LONGEST_TAG} characters.")
        found.setdefault(line.casefold(), line)
    return list(found.values())


def tag_run(service: Service, run: str, tags: Any) -> None:
    """Gives a run these tags in the place of those that it has. Raises `NoRun` or `Refused`."""
    service.find(run, to_change=True)
    service.store.tag(run, clean_tags(tags)).result()


def change_run(service: Service, run: str, sent: Any) -> None:
    """Gives a run the `name` and the `tags` that were sent, or neither. Raises `NoRun` or `Refused`."""
    tags = clean_tags(sent["tags"]) if "tags" in sent else None
    if "name" in sent or tags is None:
        service.rename(run, sent.get("name", ""))
    if tags is not None:
        tag_run(service, run, tags)


def add_tag(service: Service, runs: Iterable[str], tag: str) -> None:
    """Adds a tag to runs. A run that has been deleted meanwhile is passed over. Raises `Refused` before any change."""
    change_tags(service, runs, [], [tag])


def remove_tag(service: Service, runs: Iterable[str], tag: str) -> None:
    """Takes a tag away from runs. A run that has been deleted meanwhile is passed over."""
    change_tags(service, runs, [tag], [])


def change_tags(service: Service, runs: Iterable[str], before: Sequence[str], after: Sequence[str]) -> None:
    """Adds to each run the tags that are in `after` only, and takes away those that are in `before` only.

    A run that has been deleted meanwhile is passed over. Raises `Refused` before any change.
    """
    old, new = ({tag.casefold() for tag in tags} for tags in (before, after))
    added = [tag for tag in after if tag.casefold() not in old]
    left = {run: [tag for tag in kept if tag.casefold() not in old - new]
            for run, kept in tags_of(service, runs).items()}  # fmt: skip
    retag(service, {run: clean_tags([*kept, *added]) for run, kept in left.items()})


def tags_of(service: Service, runs: Iterable[str]) -> dict[str, list[str]]:
    """Returns the tags of those of the asker's runs that are still there."""
    rows = {row["id"]: row["tags"] for row in service.own_rows() if service.owns(row["owner"], row.get("in_room"))}
    return {run: rows[run] for run in runs if run in rows}


def retag(service: Service, tags: dict[str, list[str]]) -> None:
    """Writes the tags of several runs and waits for the last one."""
    written = [service.store.tag(run, own) for run, own in tags.items()]
    for one in written:
        one.result()


def all_tags(rows: Sequence[Any]) -> list[str]:
    """Returns every tag of some rows once, in the order of the alphabet."""
    return sorted({tag for row in rows for tag in row["tags"]}, key=str.casefold)


def delete_runs(service: Service, runs: Any) -> None:
    """Deletes runs as `Service.delete` does. One that is gone, or another's, is passed over. Raises `Refused`."""
    if not isinstance(runs, list) or not runs or not all(isinstance(run, str) and run.isascii() for run in runs):
        raise Refused('Say which runs to delete: {"ids": [...]} with the id of each.')
    for run in dict.fromkeys(runs):
        with suppress(NoRun, NotYours):
            service.delete(run)
