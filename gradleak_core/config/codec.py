"""Converts frozen dataclasses to JSON and back, with a `kind` tag for parts; makes schemas and knobs from fields."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from gradleak_core.config.schemas import checked
from gradleak_core.types import JSON, Knob

T = TypeVar("T")


class Codec:
    """Encodes and decodes the dataclasses of `families`: family name -> kind -> class.

    Kinds are unique over all families, so that a `kind` tag alone names a class. `named` holds, by family, the values
    that go by a name of their own and are listed in place of their kinds.
    """

    def __init__(self, families: Mapping[str, Mapping[str, type]], named: Mapping[str, Mapping[str, object]]) -> None:
        self.families, self.named = families, named
        self.kinds = {kind: cls for family in families.values() for kind, cls in family.items()}
        self.names = {cls: kind for kind, cls in self.kinds.items()}
        if len(self.kinds) != sum(len(family) for family in families.values()):
            raise ValueError("two parts share one kind; rename one")

    @cached_property
    def rows(self) -> dict[str, dict[str, JSON]]:
        """Returns family -> name -> row of every part: its default, needs, facts and schema."""
        unnamed = {family: kinds for family, kinds in self.families.items() if family not in self.named}
        made = {family: {kind: cls() for kind, cls in kinds.items()} for family, kinds in unnamed.items()}
        listed = {**made, **self.named}
        return {family: {name: self.row(value) for name, value in rows.items()} for family, rows in listed.items()}

    def row(self, value: Any) -> JSON:
        """Returns the row of a part with this default."""
        needs = self.encode(getattr(value, "needs", ()))
        facts = list(getattr(value, "facts", ()))
        return {"default": self.encode(value), "needs": needs, "facts": facts, "schema": self.schema(type(value))}

    def encode(self, value: Any) -> JSON:
        """Returns a JSON value. Dataclasses become objects, tagged with their kind if they have one."""
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            tag = {"kind": self.names[type(value)]} if type(value) in self.names else {}
            return tag | {f.name: self.encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, (tuple, list)):
            return [self.encode(item) for item in value]
        return value

    def decode(self, cls: type[T], value: JSON) -> T:
        """Builds a `cls` from its JSON. Fields left out keep their defaults. Raises `Refused`, naming the path."""
        built: T = self.build(cls, checked(value, self.schema(cls), self.rows))
        return built

    def build(self, cls: Any, value: JSON) -> Any:
        """Builds a `cls`, or the class of the value's kind, from JSON that has passed `checked`."""
        if isinstance(value, Mapping):
            cls = self.kinds.get(value.get("kind", ""), cls)
            hints = field_types(cls)
            return cls(
                **{name: self.build(unwrap(hints[name])[0], each) for name, each in value.items() if name in hints}
            )
        return tuple(self.build(None, item) for item in value) if isinstance(value, list) else value

    def knobs(self, cls: type) -> list[JSON]:
        """Returns an entry for each field with a `Knob`: name, label, help, type, default, bounds, choices."""
        defaults = {f.name: f for f in dataclasses.fields(cls)}
        rows = []
        for name, hint in field_types(cls).items():
            base, knob = unwrap(hint)
            if knob is None:
                continue
            row: dict[str, JSON] = {"name": name, "label": knob.label, "help": knob.help, "type": type_name(base, knob)}
            row |= {k: getattr(knob, k) for k in ("low", "high", "family") if getattr(knob, k) is not None}
            row |= {"log": True} if knob.log else {}
            if get_origin(base) is Literal:
                row["choices"] = list(get_args(base))
            elif knob.family is not None:
                row["choices"] = list(self.named.get(knob.family) or self.families[knob.family])
            if not required(defaults[name]):
                row["default"] = self.encode(default(defaults[name]))
            rows.append(row)
        return rows

    def schema(self, cls: type) -> JSON:
        """Returns the JSON Schema (draft 2020-12) of one part."""
        properties: dict[str, JSON] = {"kind": {"const": self.names[cls]}} if cls in self.names else {}
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for name, hint in field_types(cls).items():
            given = {} if required(fields[name]) else {"default": self.encode(default(fields[name]))}
            properties[name] = self._schema_of(hint) | given
        needed = [f.name for f in dataclasses.fields(cls) if required(f)]
        return {
            "type": "object",
            "description": summary(cls),
            "properties": properties,
            "required": (["kind"] if cls in self.names else []) + needed,
            "additionalProperties": False,
        }

    def _schema_of(self, hint: Any) -> JSON:
        base, knob = unwrap(hint)
        origin, args = get_origin(base), get_args(base)
        text = {"title": knob.label, "description": knob.help} if knob else {}
        if origin is tuple:
            items = self._part(knob.family) if knob and knob.family else self._schema_of(args[0])
            return text | {"type": "array", "items": items} | bounds(knob, "minItems", "maxItems")
        if knob is not None and knob.family is not None:
            return text | self._part(knob.family)
        if origin in (typing.Union, types.UnionType):
            inner = self._schema_of(next(a for a in args if a is not type(None)))
            return text | {"anyOf": [inner, {"type": "null"}]}
        if origin is Literal:
            return text | {"enum": list(args)}
        if dataclasses.is_dataclass(base):
            return text | self.schema(typing.cast(type, base))
        return text | {"type": JSON_TYPES[base]} | bounds(knob, "minimum", "maximum")

    def _part(self, family: str) -> JSON:
        kinds = {"kind": {"enum": list(self.families[family])}}
        return {"type": "object", "required": ["kind"], "properties": kinds, "family": family}


JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def field_types(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def unwrap(hint: Any) -> tuple[Any, Knob | None]:
    """Returns the bare type and the `Knob` of a field's annotation."""
    if get_origin(hint) is Annotated:
        base, *extra = get_args(hint)
        return base, next((e for e in extra if isinstance(e, Knob)), None)
    return hint, None


def bounds(knob: Knob | None, low: str, high: str) -> JSON:
    """Returns a knob's bounds under the names that a schema has for them."""
    found = {} if knob is None else {low: knob.low, high: knob.high}
    return {name: bound for name, bound in found.items() if bound is not None}


def type_name(base: Any, knob: Knob) -> str:
    if knob.family is not None:
        return "parts" if get_origin(base) is tuple else "part"
    return "choice" if get_origin(base) is Literal else JSON_TYPES.get(base, "other")


def required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def summary(cls: type) -> str:
    """Returns the first line of a class's docstring."""
    return (inspect.getdoc(cls) or cls.__name__).splitlines()[0]
