"""Reads the file of a sweep: a set-up, and a grid of what is to be tried in it. Imports no torch.

The file holds `{"title": TEXT, "experiment" or "preset" or "link": the set-up, "set": {path: value}, "grid": {path:
[value, ...]}, "repeats": 3 or "seeds": [0, 1, 2]}`, of which only the grid must be there. A list of grids is tried one
after another. Paths and values are those of `--set` and of a link, so `image`, `label` and `defence` are paths too.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gradleak_core.cli.choose import Choice, choose_base, keep_picture, read_file
from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import close, put
from gradleak_core.config.links import LISTS, from_query, read_changes
from gradleak_core.config.schemas import integer, quoted
from gradleak_core.data.files import read_json
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import NO_FIRST

FIELDS = ("title", "experiment", "preset", "link", "set", "grid", "repeats", "seeds")
BASES = ("experiment", "preset", "link")
MOST_SETUPS = 10_000
SINGULAR = {field: key for key, field in LISTS.items()}
"""The key under which a list field is written in a link."""


@dataclass(frozen=True)
class Plan:
    """All that a sweep plays: the set-up from which all points differ, and each point's changes and experiment."""

    title: str
    base: JSON
    points: list[tuple[dict[str, Any], JSON]]


def read_plan(file: Path, catalogue: JSON) -> Plan:
    """Returns what a file asks for. Raises `Refused` with one sentence at the first point that cannot be run."""
    try:
        value = read_json(read_file(file, 2**24))
    except ValueError as error:
        raise Refused(f"{file} does not hold JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Refused(f'{file} must hold an object with a grid, such as {{"grid": {{"attack": ["dlg"]}}}}.')
    for name in value:
        if name not in FIELDS:
            raise Refused(f"{file}: {quoted(name)} is not known{close(name, FIELDS)}")
    base = read_base(value, catalogue)
    fixed = read_object(value, "set")
    points = [(changes, place_point(base, fixed, changes, catalogue)) for changes in list_changes(value, base, fixed)]
    check_different(points)
    return Plan(read_title(value, file), base, points)


def read_title(value: JSON, file: Path) -> str:
    """Returns the title of a sweep, the name of its file unless it has one. Raises `Refused`."""
    title = value.get("title", file.stem)
    if not isinstance(title, str) or not 0 < len(title) <= 200:
        raise Refused("title must be a text of at most 200 characters.")
    return title


def read_base(value: JSON, catalogue: JSON) -> JSON:
    """Returns the set-up that a sweep starts from, the default unless it names one. Raises `Refused`."""
    named = [name for name in BASES if name in value]
    if len(named) > 1:
        raise Refused(f"A sweep starts from one set-up, and this one names {' and '.join(named)}; keep one of them.")
    if "experiment" in value:
        inner = value["experiment"]
        return admit(inner.get("experiment", inner) if isinstance(inner, dict) else inner, catalogue)
    if "link" in value:
        return from_query(parse_qs(urlsplit(str(value["link"])).query, keep_blank_values=True), catalogue)
    return choose_base(Choice(preset=value.get("preset") and str(value["preset"])), catalogue)


def read_object(value: JSON, name: str) -> dict[str, Any]:
    """Returns a field of the file that maps paths to values, empty where it is left out. Raises `Refused`."""
    found = value.get(name, {})
    if not isinstance(found, dict):
        raise Refused(f"{name} must be an object of paths and values, not {quoted(found)}.")
    return found


def list_changes(value: JSON, base: JSON, fixed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the changes of every point, in order: the last path of a grid changes fastest, then the seed.

    Raises `Refused`.
    """
    grids = value.get("grid", {})
    grids = grids if isinstance(grids, list) else [grids]
    seeds, found = read_seeds(value, base, fixed), list[dict[str, Any]]()
    for grid in grids:
        if not isinstance(grid, dict):
            raise Refused(f"grid must be an object of paths and lists of values, not {quoted(grid)}.")
        axes = dict(read_axes(grid, fixed))
        if seeds and "seed" in axes:
            raise Refused("The seed stands in the grid and in repeats or seeds as well; leave one of them out.")
        axes |= {"seed": seeds} if seeds else {}
        count = 1
        for values in axes.values():
            count *= len(values)
        if len(found) + count > MOST_SETUPS:
            raise Refused(f"A sweep has at most {MOST_SETUPS:,} points; leave out some values.")
        found += [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    if not found or not any(found):
        raise Refused('Nothing is to be tried; add a grid, such as {"grid": {"attack": ["dlg", "idlg"]}}.')
    return found


def read_axes(grid: Mapping[str, Any], fixed: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yields the paths of a grid with their values. Raises `Refused`."""
    for path, values in grid.items():
        if not isinstance(values, list) or not values:
            raise Refused(f"{quoted(path)} in the grid must be a list of values, not {quoted(values)}.")
        if path in fixed:
            raise Refused(f"{quoted(path)} stands in set and in the grid; leave one of them out.")
        yield path, values


def read_seeds(value: JSON, base: JSON, fixed: Mapping[str, Any]) -> list[int]:
    """Returns the seeds with which every point is repeated; none where the file says nothing. Raises `Refused`."""
    if "repeats" in value and "seeds" in value:
        raise Refused("repeats counts seeds on from that of the set-up, and seeds names them; leave one of them out.")
    if "repeats" in value:
        first = integer(fixed.get("seed", base["seed"]), 0, 2**31 - 1, "seed")
        return list(range(first, first + integer(value["repeats"], 1, MOST_SETUPS, "repeats")))
    seeds = value.get("seeds", [])
    if not isinstance(seeds, list) or ("seeds" in value and not seeds):
        raise Refused(f"seeds must be a list of whole numbers, not {quoted(seeds)}.")
    return [integer(seed, 0, 2**31 - 1, "seeds") for seed in seeds]


def place_point(base: JSON, fixed: Mapping[str, Any], changes: Mapping[str, Any], catalogue: JSON) -> JSON:
    """Returns the experiment of a point. Raises `Refused` with a sentence that names the point.

    Short paths go first, so that an attack is there before its knobs. Each run has one CPU thread unless it says
    otherwise, because the last digits of a result depend on their number.
    """
    both, experiment = {**fixed, **changes}, base
    try:
        for path in sorted(both, key=lambda path: path.count(".")):
            experiment = change(experiment, path, both[path], catalogue)
        if experiment.get("fork"):
            raise Refused(NO_FIRST)
        experiment = experiment | {"threads": experiment["threads"] or 1}
        return admit(experiment, catalogue)
    except Refused as refused:
        raise Refused(f"Where {describe_changes(changes)}: {refused}") from refused


def change(experiment: JSON, path: str, value: Any, catalogue: JSON) -> JSON:
    """Returns an experiment with a knob changed as `--set` or a link would. Raises `Refused`."""
    key = SINGULAR.get(path, path)
    values = [value] if isinstance(value, (str, int)) else value
    if key not in LISTS or not isinstance(values, list) or any(isinstance(one, dict) for one in values):
        return put(experiment, path, value, catalogue)
    texts = [keep_picture(str(one)) if key == "image" else str(one) for one in values]
    experiment, complaints = read_changes({key: texts}, catalogue, experiment)
    if complaints:
        raise Refused(complaints[0])
    return experiment


def describe_changes(changes: Mapping[str, Any]) -> str:
    """Writes the changes of a point as one types them."""
    return ", ".join(
        f"{path}={value if isinstance(value, str) else json.dumps(value)}" for path, value in changes.items()
    )


def check_different(points: list[tuple[dict[str, Any], JSON]]) -> None:
    """Raises `Refused` when two points are the same."""
    first: dict[str, dict[str, Any]] = {}
    for changes, experiment in points:
        twin = first.setdefault(json.dumps(experiment, sort_keys=True), changes)
        if twin is not changes:
            one, other = describe_changes(twin), describe_changes(changes)
            raise Refused(f"{one} and {other} are the same set-up; leave one of them out.")
