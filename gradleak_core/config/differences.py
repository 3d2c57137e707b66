"""What differs between experiments, by the labels of their knobs. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradleak_core.config import knobs
from gradleak_core.types import JSON


def differences(experiments: Sequence[JSON], catalogue: JSON, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yields the place of each leaf that is not the same in all experiments, and its value in each of them.

    Parts of different kinds differ as a whole. Attacks of different names differ in their names, and then in each of
    their fields.
    """
    first = experiments[0]
    if all(one == first for one in experiments):
        return
    if all(isinstance(one, dict) and one.get("kind") == first.get("kind") for one in experiments):
        for name in dict.fromkeys(name for one in experiments for name in one):
            label = "" if name == "name" else knob_labels(first, catalogue).get(name, name.capitalize())
            inner = [one.get(name) for one in experiments]
            yield from differences(inner, catalogue, ", ".join(filter(None, (path, label))))
    elif all(isinstance(one, list) and len(one) == len(first) for one in experiments):
        for number, items in enumerate(zip(*experiments, strict=True), 1):
            yield from differences(items, catalogue, f"{path} {number}" if len(first) > 1 else path)
    else:
        yield path, [shown_value(one, catalogue) for one in experiments]


def shared_setup(experiments: Sequence[JSON], catalogue: JSON) -> str:
    """Returns what all experiments have of picture, model, attack, defences, iterations and seed, in a line."""
    rows = [list(main_parts(one, catalogue)) for one in experiments]
    return ", ".join(said[0] for said in zip(*rows, strict=True) if said[0] and len(set(said)) == 1)


def main_parts(experiment: JSON, catalogue: JSON) -> Iterator[str]:
    """Yields the seven texts that name an experiment; that on the iterations is empty if its attack has none."""
    images, steps = experiment["images"], experiment["attack"].get("steps")
    yield shown_value(images[0], catalogue) if len(images) == 1 else f"{len(images)} pictures"
    yield f"{experiment['size']} × {experiment['size']}"
    yield part_title(experiment["model"], catalogue)
    yield part_title(experiment["attack"], catalogue)
    yield shown_value(experiment["defences"], catalogue).replace("none", "no defence")
    yield "" if steps is None else f"{steps:,} iterations"
    yield f"seed {experiment['seed']}"


def knob_labels(part: JSON, catalogue: JSON) -> dict[str, str]:
    """Returns the labels of the knobs of a part, or of the experiment with all that belongs to no part."""
    rows = [row for family in catalogue["families"].values() for row in family.values()]
    mine = [row for row in rows if row["default"]["kind"] == part.get("kind")]
    mine = mine or [catalogue[name] for name in ("experiment", *knobs.OBJECTS)]
    return {knob["name"]: knob["label"] for row in mine for knob in row["knobs"]}


def shown_value(value: Any, catalogue: JSON) -> str:
    """Returns a value as a reader wants it: a part by its title and its numbers, a list by its items."""
    if isinstance(value, dict):
        return part_title(value, catalogue) + strength(value)
    if isinstance(value, list) and len(value) > 2 and all(isinstance(one, str) for one in value):
        return f"{len(value)} pictures"
    if isinstance(value, list):
        return ", ".join(shown_value(one, catalogue) for one in value) or "none"
    if isinstance(value, str) and value.startswith("upload:"):
        return "your picture"
    if isinstance(value, str):
        known = catalogue["families"]["attacks"].get(value)
        return str(known["title"]) if known else value.removeprefix("sample:").replace("_", " ") or "none"
    if value is None or isinstance(value, bool):
        return {None: "each picture's own", True: "yes", False: "no"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def part_title(part: JSON, catalogue: JSON) -> str:
    """Returns the title of a part in the catalogue, or its kind if it is not listed there."""
    names = (part.get("name"), part.get("kind"))
    rows = (family.get(name) for name in names for family in catalogue["families"].values())
    return next((str(row["title"]) for row in rows if row and row.get("title")), str(names[0] or names[1]))


def strength(part: JSON) -> str:
    """Returns the numbers of a part, to stand after its title; empty if it has none."""
    numbers = [f"{name.replace('_', ' ')} {value:g}" for name, value in part.items() if type(value) in (int, float)]
    return f" ({', '.join(numbers)})" if numbers else ""
