"""Checks an experiment at the door, against the catalogue, so that the sender hears at once. Imports no torch."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import relevance

from gradleak_core.knobs import OBJECTS, refusals
from gradleak_core.types import Refused

JSON = Any
DEEPEST = 20
OWN = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "string"}


def admit(experiment: JSON, catalogue: JSON) -> JSON:
    """The experiment with what was left out filled in. Raises `Refused` with one sentence."""
    if not isinstance(experiment, Mapping):
        raise Refused("The experiment must be a JSON object.")
    try:
        json.dumps(experiment, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise Refused("The experiment holds a value that JSON does not know, such as a number without end.") from error
    default = catalogue["experiment"]["default"]
    for name in experiment:
        if name not in default:
            raise Refused(f"{name} is not known here; choose from {', '.join(default)}.")
    if depth(experiment) > DEEPEST:
        raise Refused("The experiment is nested too deeply; compare it with the default one.")
    whole = copy.deepcopy(default) | copy.deepcopy(dict(experiment))
    check(whole, frame(catalogue), "")
    for name in OBJECTS:
        whole[name] = copy.deepcopy(catalogue[name]["default"]) | whole[name]
    for path, part in located(whole, ""):
        row = entry(part, path, catalogue)
        complete(part, row["default"])
        check(part, row["schema"], path)
    if whole["labels"] is not None and len(whole["labels"]) != len(whole["images"]):
        raise Refused(f"{len(whole['labels'])} labels were given for {len(whole['images'])} pictures; give one each.")
    for sentence in refusals(whole, whole, catalogue):
        raise Refused(sentence)
    return whole


def depth(value: JSON, so_far: int = 0) -> int:
    """How many objects and lists lie inside each other, counted a little beyond what is allowed."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return max((depth(item, so_far + 1) for item in inner), default=so_far) if so_far <= DEEPEST else so_far


def frame(catalogue: JSON) -> JSON:
    """The schema of an experiment around its parts."""
    properties = {
        "images": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "labels": {"type": ["array", "null"], "items": {"type": "integer", "minimum": 0}},
        **{name: catalogue[name].get("schema", {"type": "object"}) for name in OBJECTS},
        "model": {"type": "object"}, "attack": {"type": "object"}, "defences": {"type": "array"},
        "weights": {"type": "object"},
    }  # fmt: skip
    for knob in catalogue["experiment"]["knobs"]:
        if knob["name"] not in properties and knob["type"] in OWN:
            bounds = {"minimum": knob.get("low"), "maximum": knob.get("high")}
            rule = {"type": OWN[knob["type"]]} | {k: v for k, v in bounds.items() if v is not None}
            properties[knob["name"]] = rule
        elif knob["type"] == "choice":
            properties[knob["name"]] = {"enum": knob["choices"]}
    return {"type": "object", "properties": properties}


def located(value: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    """Every part inside an experiment with its path, outermost first."""
    if isinstance(value, Mapping):
        if "kind" in value or path in ("model", "attack", "weights"):
            yield path, value
        for name, inner in value.items():
            yield from located(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from located(inner, f"{path}.{index}")


def entry(part: JSON, path: str, catalogue: JSON) -> JSON:
    """The catalogue's entry of a part; recipes share one kind and are told apart by their name."""
    families = {"model": "models", "attack": "attacks", "weights": "weights", "defences": "defences"}
    family = families.get(path.split(".")[0] if path.count(".") == path.startswith("defences.") else "")
    kind, name = part.get("kind"), part.get("name")
    rows = [catalogue["families"][family]] if family else list(catalogue["families"].values())
    for row in rows:
        found = row.get(str(kind)) or row.get(str(name)) or alike(row, kind)
        if found is not None and found["default"].get("kind") == kind:
            return found
    raise Refused(f"{path}: {kind!r} is not one of {', '.join(sorted(name for row in rows for name in row))}.")


def alike(rows: JSON, kind: Any) -> JSON:
    """Any entry whose default is of that kind: the recipe of a name nobody has listed."""
    return next((row for row in rows.values() if row["default"].get("kind") == kind), None)


def complete(part: JSON, default: JSON) -> None:
    """Fills in what a part leaves out, unless it is a recipe of its own."""
    if part.get("name") == default.get("name"):
        for name, value in default.items():
            part.setdefault(name, copy.deepcopy(value))


def check(value: JSON, schema: JSON, path: str) -> None:
    """Raises `Refused` with the most telling of the schema's complaints."""
    error = max(Draft202012Validator(schema).iter_errors(value), key=relevance, default=None)
    while error is not None and error.context:
        error = max(error.context, key=relevance)
    if error is not None:
        raise Refused(sentence(error, path))


def sentence(error: ValidationError, path: str) -> str:
    """In the words in which the engine refuses the same thing."""
    where = ".".join(filter(None, [path, *map(str, error.absolute_path)])) or "The experiment"
    rule, value, needed = error.validator, cast(Any, error.instance), cast(Any, error.validator_value)
    schema = cast("Mapping[str, Any]", error.schema)
    if rule in ("minimum", "maximum"):
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is not None and high is not None:
            return f"{where} must lie between {low:.10g} and {high:.10g}, not {value:.10g}."
        bound = "least" if rule == "minimum" else "most"
        return f"{where} must be at {bound} {error.validator_value:.10g}, not {value:.10g}."
    if rule in ("enum", "const"):
        choices = schema["enum"] if rule == "enum" else [schema["const"]]
        return f"{where} must be one of {', '.join(map(str, choices))}, not {value!r}."
    if rule == "type":
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return f"{where} must be {' or '.join(WORDS[kind] for kind in kinds)}, not {value!r}."
    if rule == "required":
        missing = next(name for name in needed if name not in value)
        return f"{missing if where == 'The experiment' else f'{where}.{missing}'} is missing; add it."
    if rule == "additionalProperties":
        strange = next(name for name in value if name not in schema["properties"])
        return f"{where}.{strange} is not known here; choose from {', '.join(schema['properties'])}."
    if rule == "minItems":
        return f"{where} must hold at least one entry."
    return f"{where}: {error.message}."


WORDS = {
    "integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip
