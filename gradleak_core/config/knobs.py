"""Changes an experiment by naming its knobs. Imports no torch.

A path names one knob: `size`, `attack.optimiser.lr`, `attack.priors.total_variation.weight` (an item of a list by
its kind, or by its position from 0). A part path (`model`, `attack`, `attack.optimiser`) takes a kind and puts that
kind's default there.
"""

from __future__ import annotations

import copy
import difflib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gradleak_core.config.former import PATHS, renew_experiment
from gradleak_core.config.needs import facts, from_json, parts, unmet
from gradleak_core.config.schemas import SCALARS, checked, choice, quoted, row_of, rows_of, short
from gradleak_core.types import JSON, Refused

OBJECTS = ("client", "threat")
"""Fields of an experiment that hold knobs but offer no choice of kind."""


def start(catalogue: JSON) -> JSON:
    """Returns a copy of the default experiment."""
    return copy.deepcopy(catalogue["experiment"]["default"])


def put(experiment: JSON, path: str, value: Any, catalogue: JSON) -> JSON:
    """Returns a new experiment with one knob changed. Text is converted by the knob's type. Raises `Refused`."""
    parts = PATHS.get(path, path).split(".")
    changed = _put(copy.deepcopy(experiment), top(catalogue), parts, value, catalogue, short(path))
    return fitting(changed, catalogue)


def fitting(experiment: JSON, catalogue: JSON) -> JSON:
    """Returns a whole experiment of parts that the catalogue has. Raises `Refused`. It need not be possible to run."""
    return checked(renew_experiment(experiment), catalogue["experiment"]["schema"], catalogue["families"])


def defence(text: str, catalogue: JSON) -> JSON:
    """Reads a defence such as `gaussian_noise:std=0.01,other=1`. Knobs left out keep their defaults."""
    kind, _, rest = text.partition(":")
    if "=" in kind:
        raise Refused(f"defence {quoted(text)} is not of the form kind:knob=value, such as gaussian_noise:std=0.01.")
    part = one_of("defences", kind.strip(), catalogue, "defence")
    for assignment in filter(None, rest.split(",")):
        name, equals, value = assignment.partition("=")
        if not equals:
            raise Refused(f"defence {kind}: {quoted(assignment)} is not of the form knob=value.")
        knobs, name = find_entry("defences", part, catalogue)["knobs"], name.strip()
        part = _put(part, knobs, name.split("."), value, catalogue, short(f"{kind}.{name}"))
    return part


def refusals(part: JSON, experiment: JSON, catalogue: JSON) -> list[str]:
    """Returns the reasons why a part, or a part inside it, cannot be used in this experiment.

    The whole experiment counts as a part too.
    """
    rows = [row for inner in parts(part) for row in rows_of(inner, catalogue["families"])]
    rows += [catalogue[name] for name in OBJECTS if name in part]
    reasons = unmet([need for row in rows for need in from_json(row["needs"])], facts(experiment, catalogue))
    return list(dict.fromkeys(reasons))


def find_entry(family: str, part: JSON, catalogue: JSON) -> JSON:
    """Returns the catalogue's entry of a part; the first recipe's for an unlisted recipe. Raises `Refused`."""
    rows = catalogue["families"][family]
    row = row_of(part, rows)
    if row is None:
        raise Refused(f"{quoted(part.get('kind'))} is not one of {', '.join(rows)}.")
    return row


def substitutes(experiment: JSON, catalogue: JSON) -> list[str]:
    """Returns what the client trains on in place of the private picture, if it does not train on that."""
    rows = (find_entry("defences", part, catalogue) for part in experiment["defences"])
    return list(dict.fromkeys(filter(None, (row.get("instead") for row in rows))))


def kind_of(family: str, part: JSON, catalogue: JSON) -> str:
    """Returns the name under which the catalogue lists a part, or would list a recipe that it does not have."""
    return str(part["kind"] if part["kind"] in catalogue["families"][family] else part.get("name") or part["kind"])


def top(catalogue: JSON) -> list[JSON]:
    """Returns the knobs of an experiment, its parts first."""
    own = {knob["name"]: knob for knob in catalogue["experiment"]["knobs"]}
    parted = {"model": ("part", "models"), "attack": ("part", "attacks"), "defences": ("parts", "defences")}
    rows = {name: {"name": name, "type": kind, "family": family} for name, (kind, family) in parted.items()}
    objects = {name: {"name": name, "type": "object", "knobs": catalogue[name]["knobs"]} for name in OBJECTS}
    named = rows | objects
    return [*named.values(), *(knob for name, knob in own.items() if name not in named)]


def one_of(family: str, kind: str, catalogue: JSON, path: str) -> JSON:
    """Returns a fresh default of one kind of a family. Raises `Refused` for an unknown kind."""
    rows = catalogue["families"][family]
    alone = kind.partition(":")[0]
    if kind not in rows and alone in rows:
        raise Refused(
            f"{path}: {quoted(kind)} is more than a kind; give {alone}, and its knobs separately as {path}.KNOB=value."
        )
    if kind not in rows:
        raise Refused(f"{path}: {quoted(kind)} is not known{close(kind, rows)}")
    return copy.deepcopy(rows[kind]["default"])


def close(word: str, known: Iterable[str]) -> str:
    """Ends a sentence about an unknown word: names the nearest known one, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(known)}."


def _put(node: JSON, knobs: list[JSON], names: list[str], value: Any, catalogue: JSON, path: str) -> JSON:
    knob = _knob(node, knobs, names[0], path)
    name, rest = knob["name"], names[1:]
    if not rest:
        return node | {name: _converted(knob, node.get(name), value, catalogue, path)}
    if knob["type"] == "part":
        inner = find_entry(knob["family"], node[name], catalogue)["knobs"]
        return node | {name: _put(node[name], inner, rest, value, catalogue, path)}
    if knob["type"] == "object":
        return node | {name: _put(node[name], knob["knobs"], rest, value, catalogue, path)}
    if knob["type"] != "parts" or len(rest) < 2:
        raise Refused(f"{path}: {name} has no knobs of its own; leave out {short('.'.join(rest))}.")
    kind, family = rest[0], knob["family"]
    items = list(node[name])
    named = (i for i, item in enumerate(items) if kind in (str(i), kind_of(family, item, catalogue)))
    at = next(named, len(items))
    items[at : at + 1] = [items[at] if at < len(items) else one_of(family, kind, catalogue, path)]
    items[at] = _put(items[at], find_entry(family, items[at], catalogue)["knobs"], rest[1:], value, catalogue, path)
    return node | {name: items}


def _knob(node: JSON, knobs: list[JSON], name: str, path: str) -> JSON:
    for knob in knobs:
        if knob["name"] == name:
            return knob
    if name in node and name not in ("kind", "name"):
        return {"name": name, "type": "other"}
    names = [knob["name"] for knob in knobs]
    where = path[: path.rfind(name)].rstrip(".") or "the experiment"
    raise Refused(f"{path}: {where} has no knob {quoted(name)}" + (close(name, names) if names else "."))


def _converted(knob: JSON, present: JSON, value: Any, catalogue: JSON, path: str) -> JSON:
    kind = knob["type"]
    if isinstance(value, str) and (kind == "other" or (kind != "string" and value[:1] in ("{", "["))):
        value = _json(value, path, plain=kind == "other")
    if kind == "part":
        return _read_part(knob["family"], value, catalogue, path)
    if kind == "parts":
        if isinstance(value, str):
            value = [] if value in ("none", "") else [word.strip() for word in value.split(",")]
        kept = {item["kind"]: item for item in present or []}
        if not isinstance(value, list):
            _refuse(path, "a list", value)
        family = knob["family"]
        return [kept[v] if isinstance(v, str) and v in kept else _read_part(family, v, catalogue, path) for v in value]
    if kind == "object":
        return dict(value) if isinstance(value, Mapping) else _refuse(path, "an object", value)
    if kind == "choice":
        named = {str(each): each for each in knob["choices"]}
        return choice(named.get(str(value), value), knob["choices"], path)
    return convert_scalar(knob, value, path)


def _read_part(family: str, value: Any, catalogue: JSON, path: str) -> JSON:
    if isinstance(value, Mapping):
        if "kind" not in value:
            raise Refused(f"{path}: the kind is missing; add it.")
        find_entry(family, value, catalogue)
        return dict(value)
    return one_of(family, str(value), catalogue, path)


def convert_scalar(knob: JSON, value: Any, path: str) -> JSON:
    """Returns the value of a knob of one number, switch or text, given as such or as text. Raises `Refused`."""
    kind = knob["type"]
    if isinstance(value, str) and kind in FROM_TEXT:
        value = FROM_TEXT[kind](value.strip().lower())
    return SCALARS[kind](value, knob.get("low"), knob.get("high"), path) if kind in SCALARS else value


def _number(text: str) -> float | str:
    """Returns the number that a text stands for, or the text itself."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _integer(text: str) -> float | str:
    """Returns the whole number that a text stands for, as `1e3` does too, or the text itself."""
    try:
        return int(text)
    except ValueError:
        number = _number(text)
        return int(number) if isinstance(number, float) and number.is_integer() else number


BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": _integer, "number": _number, "boolean": lambda word: BOOLEANS.get(word, word),
}  # fmt: skip


def _refuse(path: str, wanted: str, value: Any) -> Any:
    raise Refused(f"{path} must be {wanted}, not {quoted(value)}.")


def _json(text: str, path: str, *, plain: bool) -> JSON:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text if plain else _refuse(path, "valid JSON", text)
