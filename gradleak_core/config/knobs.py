"""One experiment from another by naming knobs, and to and from an address bar. Imports no torch.

A path names one knob: `size`, `attack.optimiser.lr`, `attack.priors.total_variation.weight` (an item of a list by
its kind, or by its position from 0). A part path (`model`, `attack`, `attack.optimiser`) takes a kind and puts that
kind's default there.
"""

from __future__ import annotations

import copy
import difflib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gradleak_core.config.former import renew_experiment, renew_path
from gradleak_core.config.needs import facts, from_json, parts, unmet
from gradleak_core.config.schemas import SCALARS, checked, quoted, row_of, rows_of, short
from gradleak_core.types import JSON, Refused

LISTS = {"image": "images", "label": "labels", "defence": "defences"}
"""Query keys that may be given several times, and the field each fills."""
OBJECTS = ("client", "threat")
"""Fields of an experiment that hold knobs but no choice of kind."""


def start(catalogue: JSON) -> JSON:
    """The default experiment."""
    return copy.deepcopy(catalogue["experiment"]["default"])


def put(experiment: JSON, path: str, value: Any, catalogue: JSON) -> JSON:
    """A new experiment with one knob changed; text is converted by the knob's type. Raises `Refused`."""
    parts = renew_path(path).split(".")
    changed = _put(copy.deepcopy(experiment), top(catalogue), parts, value, catalogue, short(path))
    return fitting(changed, catalogue)


def fitting(experiment: JSON, catalogue: JSON) -> JSON:
    """Returns a whole experiment of parts that the catalogue has. Raises `Refused`. It need not be possible to run."""
    return checked(renew_experiment(experiment), catalogue["experiment"]["schema"], catalogue["families"])


def defence(text: str, catalogue: JSON) -> JSON:
    """A defence from `gaussian_noise:std=0.01,other=1`; knobs left out keep their defaults."""
    kind, _, rest = text.partition(":")
    if "=" in kind:
        raise Refused(f"defence {quoted(text)} is not of the form kind:knob=value, such as gaussian_noise:std=0.01.")
    part = one_of("defences", kind.strip(), catalogue, "defence")
    for assignment in filter(None, rest.split(",")):
        name, equals, value = assignment.partition("=")
        if not equals:
            raise Refused(f"defence {kind}: {quoted(assignment)} is not of the form knob=value.")
        part = _put(
            part,
            find_entry("defences", part, catalogue)["knobs"],
            name.strip().split("."),
            value,
            catalogue,
            short(f"{kind}.{name.strip()}"),
        )
    return part


def defence_text(part: JSON, catalogue: JSON) -> str:
    """The inverse of `defence`."""
    row = find_entry("defences", part, catalogue)
    rest = ",".join(f"{path}={text}" for path, text in _differences(part, row["default"], row["knobs"], catalogue))
    return f"{part['kind']}:{rest}" if rest else str(part["kind"])


def to_query(experiment: JSON, catalogue: JSON) -> dict[str, str | list[str]]:
    """What differs from the default, `model` and `attack` first; `from_query` gives the experiment back."""
    base = start(catalogue)
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
    """The experiment a link names. Raises `Refused` at the first word it does not understand."""
    experiment, complaints = understood(query, catalogue)
    if complaints:
        raise Refused(complaints[0])
    return experiment


def understood(query: Mapping[str, str | list[str]], catalogue: JSON) -> tuple[JSON, list[str]]:
    """As much of a link as makes sense, and one sentence about each part of it that does not."""
    experiment, complaints = start(catalogue), []
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


def refusals(part: JSON, experiment: JSON, catalogue: JSON) -> list[str]:
    """Why a part, with the parts inside it, cannot be used in this experiment; the whole experiment is a part too."""
    rows = [row for inner in parts(part) for row in rows_of(inner, catalogue["families"])]
    rows += [catalogue[name] for name in OBJECTS if name in part]
    reasons = unmet([need for row in rows for need in from_json(row["needs"])], facts(experiment, catalogue))
    return list(dict.fromkeys(reasons))


def find_entry(family: str, part: JSON, catalogue: JSON) -> JSON:
    """The catalogue's entry of a part; of a recipe that it does not list, the first one's. Raises `Refused`."""
    rows = catalogue["families"][family]
    row = row_of(part, rows)
    if row is None:
        raise Refused(f"{quoted(part.get('kind'))} is not one of {', '.join(rows)}.")
    return row


def kind_of(family: str, part: JSON, catalogue: JSON) -> str:
    """The name under which the catalogue lists a part, or would list a recipe that it does not have."""
    return str(part["kind"] if part["kind"] in catalogue["families"][family] else part.get("name") or part["kind"])


def top(catalogue: JSON) -> list[JSON]:
    """The knobs of an experiment, its parts first."""
    own = {knob["name"]: knob for knob in catalogue["experiment"]["knobs"]}
    parted = {"model": ("part", "models"), "attack": ("part", "attacks"), "defences": ("parts", "defences")}
    rows = {name: {"name": name, "type": kind, "family": family} for name, (kind, family) in parted.items()}
    objects = {name: {"name": name, "type": "object", "knobs": catalogue[name]["knobs"]} for name in OBJECTS}
    named = rows | objects
    return [*named.values(), *(knob for name, knob in own.items() if name not in named)]


def one_of(family: str, kind: str, catalogue: JSON, path: str) -> JSON:
    """A fresh default of one kind of a family."""
    rows = catalogue["families"][family]
    alone = kind.partition(":")[0]
    if kind not in rows and alone in rows:
        raise Refused(
            f"{path}: {quoted(kind)} is more than a kind; give {alone}, and its knobs apart as {path}.KNOB=value."
        )
    if kind not in rows:
        raise Refused(f"{path}: {quoted(kind)} is not known{close(kind, rows)}")
    return copy.deepcopy(rows[kind]["default"])


def close(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, or all of them."""
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
        chosen = next((choice for choice in knob["choices"] if str(choice) == str(value)), None)
        if chosen is None:
            raise Refused(f"{path}: {quoted(value)} is not a choice{close(str(value), map(str, knob['choices']))}")
        return chosen
    return _scalar(knob, value, path)


def _read_part(family: str, value: Any, catalogue: JSON, path: str) -> JSON:
    if isinstance(value, Mapping):
        if "kind" not in value:
            raise Refused(f"{path}: the kind is missing; add it.")
        find_entry(family, value, catalogue)
        return dict(value)
    return one_of(family, str(value), catalogue, path)


def _scalar(knob: JSON, value: Any, path: str) -> JSON:
    kind = knob["type"]
    if isinstance(value, str) and kind in FROM_TEXT:
        value = FROM_TEXT[kind](value.strip().lower())
    return SCALARS[kind](value, knob.get("low"), knob.get("high"), path) if kind in SCALARS else value


def _number(text: str) -> float | str:
    """The number that a text stands for, or the text itself."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _integer(text: str) -> float | str:
    """The whole number that a text stands for, as `1e3` does too."""
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


def _read_list(key: str, texts: list[str], catalogue: JSON) -> JSON:
    if key == "image":
        return texts
    if key == "label":
        return None if texts == ["own"] else [_scalar({"type": "integer", "low": 0}, text, "label") for text in texts]
    return [defence(text, catalogue) for text in texts if text != "none"]


def _differences(part: JSON, base: JSON, knobs: list[JSON], catalogue: JSON) -> Iterator[tuple[str, str]]:
    """Paths and texts that turn `base` into `part`, in an order in which `put` can apply them."""
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
            yield name, _text(part[name])


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


def _text(value: JSON) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if not isinstance(value, float) else repr(value)
