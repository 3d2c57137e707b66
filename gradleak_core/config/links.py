"""Turns an experiment into the query of a link, and back. Imports no torch.

A link names only the knobs that differ from the default experiment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from gradleak_core.config.knobs import OBJECTS, convert_scalar, defence, find_entry, fitting, kind_of, put, start, top
from gradleak_core.config.schemas import quoted
from gradleak_core.types import JSON, Refused

LISTS = {"image": "images", "label": "labels", "defence": "defences"}
"""Query keys that may be given several times, and the field that each one fills."""


def defence_text(part: JSON, catalogue: JSON) -> str:
    """Writes a defence as `knobs.defence` reads it."""
    row = find_entry("defences", part, catalogue)
    rest = ",".join(f"{path}={text}" for path, text in _differences(part, row["default"], row["knobs"], catalogue))
    return f"{part['kind']}:{rest}" if rest else str(part["kind"])


def to_query(experiment: JSON, catalogue: JSON, base: JSON = None) -> dict[str, str | list[str]]:
    """Returns the knobs that differ from those of `base`, the default unless given; `model` and `attack` come first.

    `from_query` is the inverse, and `read_changes` for another base.
    """
    base = base or start(catalogue)
    query: dict[str, str | list[str]] = {}
    if experiment["images"] != base["images"]:
        query["image"] = list(experiment["images"])
    if experiment["labels"] != base["labels"]:
        query["label"] = [str(label) for label in experiment["labels"]] if experiment["labels"] else ["own"]
    if experiment["defences"] != base["defences"]:
        query["defence"] = [defence_text(part, catalogue) for part in experiment["defences"]] or ["none"]
    skip = set(LISTS.values())
    knobs = [knob for knob in top(catalogue) if knob["name"] not in skip]
    theirs, ours = ({k: v for k, v in e.items() if k not in skip} for e in (experiment, base))
    query |= dict(_differences(theirs, ours, knobs, catalogue))
    return {key: query[key] for key in sorted(query, key=lambda k: {"model": 0, "attack": 1}.get(k, 2))}


def from_query(query: Mapping[str, str | list[str]], catalogue: JSON) -> JSON:
    """Returns the experiment that a link names. Raises `Refused` at the first word that makes no sense."""
    experiment, complaints = read_leniently(query, catalogue)
    if complaints:
        raise Refused(complaints[0])
    return experiment


def read_leniently(query: Mapping[str, str | list[str]], catalogue: JSON) -> tuple[JSON, list[str]]:
    """Returns as much of a link as makes sense, and one sentence about each part of it that does not."""
    return read_changes(query, catalogue, start(catalogue))


def read_changes(query: Mapping[str, str | list[str]], catalogue: JSON, experiment: JSON) -> tuple[JSON, list[str]]:
    """Returns an experiment with the changes that a query makes, and one sentence about each that makes no sense."""
    complaints: list[str] = []
    for key in sorted(query, key=lambda k: k.count(".")):
        value = query[key]
        try:
            if key in LISTS:
                texts = [value] if isinstance(value, str) else list(value)
                experiment = fitting(experiment | {LISTS[key]: _read_list(key, texts, catalogue)}, catalogue)
            else:
                experiment = put(experiment, key, value if isinstance(value, str) else value[-1], catalogue)
        except Refused as refused:
            complaints.append(str(refused))
    return experiment, complaints


def tell_plainly(complaint: str, catalogue: JSON) -> str:
    """Returns a sentence on a part of a link in a reader's words: knobs by their labels, and no list of kinds."""
    found = re.match(r"([\w.]+):? (.*)", complaint, re.DOTALL)
    if found is None:
        return complaint
    path, said = found.groups()
    if " has no knob " in said:
        near = re.search(r"; did you mean .*", said)
        return f"{quoted(path)} is not known here{near[0] if near else '.'}"
    titles = {kind: str(row["title"]) for family in catalogue["families"].values() for kind, row in family.items()}
    *before, name = path.split(".")
    labels = {knob["name"]: knob["label"] for row in _knob_rows(before, catalogue) for knob in row["knobs"]}
    if name not in labels and name not in (*LISTS, "model", "attack", "defences"):
        return complaint
    label = labels.get(name, name.capitalize())
    owner = titles.get(before[-1]) if before else None
    short_of_kinds, kinds, _ = said.partition("; choose from ")
    where = f"{label} of {owner}" if owner else label
    return f"{where} {short_of_kinds}{'.' if kinds else ''}"


def _knob_rows(before: list[str], catalogue: JSON) -> list[JSON]:
    """Returns the parts of the catalogue among whose knobs the last name of a path is to be found."""
    if not before or before[0] in OBJECTS:
        return [catalogue[before[0] if before else "experiment"]]
    return [row for family in catalogue["families"].values() for row in family.values()]


def _read_list(key: str, texts: list[str], catalogue: JSON) -> JSON:
    if key == "image":
        return texts
    if key == "label":
        knob = {"type": "integer", "low": 0}
        return None if texts == ["own"] else [convert_scalar(knob, text, "label") for text in texts]
    return [defence(text, catalogue) for text in texts if text != "none"]


def _differences(part: JSON, base: JSON, knobs: list[JSON], catalogue: JSON) -> Iterator[tuple[str, str]]:
    """Yields the paths and texts that turn `base` into `part`, in an order in which `put` can apply them."""
    for knob in knobs + [{"name": n, "type": "other"} for n in part if n not in {k["name"] for k in knobs}]:
        name, kind = knob["name"], knob["type"]
        if name not in part or part[name] == base.get(name):
            continue
        if kind == "part":
            yield from _part_differences(name, knob["family"], part[name], base[name], catalogue)
        elif kind == "parts":
            yield from _list_differences(name, knob["family"], part[name], base[name], catalogue)
        elif kind == "object":
            for path, text in _differences(part[name], base[name], knob["knobs"], catalogue):
                yield f"{name}.{path}", text
        else:
            yield name, part[name] if isinstance(part[name], str) else json.dumps(part[name])


def _part_differences(name: str, family: str, part: JSON, base: JSON, catalogue: JSON) -> Iterator[tuple[str, str]]:
    row, kind = find_entry(family, part, catalogue), kind_of(family, part, catalogue)
    if kind != kind_of(family, base, catalogue):
        yield name, kind
        base = row["default"]
    for path, text in _differences(part, base, row["knobs"], catalogue):
        yield f"{name}.{path}", text


def _list_differences(
    name: str, family: str, items: list[JSON], base: list[JSON], catalogue: JSON
) -> Iterator[tuple[str, str]]:
    kinds = [item["kind"] for item in items]
    if len(set(kinds)) < len(kinds):
        yield name, json.dumps(items)
        return
    if kinds != [item["kind"] for item in base]:
        yield name, ",".join(kinds) or "none"
    kept = {item["kind"]: item for item in base}
    for item in items:
        before = kept.get(item["kind"]) or find_entry(family, item, catalogue)["default"]
        for path, text in _differences(item, before, find_entry(family, item, catalogue)["knobs"], catalogue):
            yield f"{name}.{item['kind']}.{path}", text
