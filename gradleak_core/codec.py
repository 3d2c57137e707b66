"""Frozen dataclasses to JSON and back, with a `kind` tag for parts; schemas and knobs from the same fields."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from gradleak_core.types import Knob, Refused

JSON = Any


class Codec:
    """Encodes and decodes the dataclasses of `families`: family name -> kind -> class.

    Kinds are unique over all families, so that a `kind` tag alone names a class.
    """

    def __init__(self, families: Mapping[str, Mapping[str, type]]) -> None:
        self.families = families
        self.kinds = {kind: cls for family in families.values() for kind, cls in family.items()}
        self.names = {cls: kind for kind, cls in self.kinds.items()}
        if len(self.kinds) != sum(len(family) for family in families.values()):
            raise ValueError("two parts share one kind; rename one")

    def encode(self, value: Any) -> JSON:
        """A JSON value; dataclasses become objects, tagged with their kind when they have one."""
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            tag = {"kind": self.names[type(value)]} if type(value) in self.names else {}
            return tag | {f.name: self.encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, (tuple, list)):
            return [self.encode(item) for item in value]
        return value

    def decode(self, cls: type, value: JSON, path: str = "") -> Any:
        """A `cls` from its JSON; fields left out keep their defaults. Raises `Refused`, naming the path."""
        if not isinstance(value, Mapping):
            raise Refused(f"{path or 'The experiment'} must be an object, not {value!r}.")
        fields = field_types(cls)
        for name in value:
            if name != "kind" and name not in fields:
                raise Refused(f"{join(path, name)} is not known here; choose from {', '.join(fields)}.")
        given = {
            name: self._decode_field(hint, value[name], join(path, name))
            for name, hint in fields.items()
            if name in value
        }
        missing = [f.name for f in dataclasses.fields(cls) if required(f) and f.name not in given]
        if missing:
            raise Refused(f"{join(path, missing[0])} is missing; add it.")
        return cls(**given)

    def decode_part(self, family: str, value: JSON, path: str) -> Any:
        """One part of a family from `{"kind": ..., ...}`."""
        known = self.families[family]
        kind = str(value.get("kind")) if isinstance(value, Mapping) else "None"
        if kind not in known:
            raise Refused(f"{path} has no kind {kind!r}; choose from {', '.join(known)}.")
        return self.decode(known[kind], value, path)

    def _decode_field(self, hint: Any, value: JSON, path: str) -> Any:
        base, knob = unwrap(hint)
        origin, args = get_origin(base), get_args(base)
        if knob is not None and knob.family is not None:
            if origin is tuple:
                items = enumerate(listed(value, path))
                return tuple(self.decode_part(knob.family, item, f"{path}.{i}") for i, item in items)
            return self.decode_part(knob.family, value, path)
        if origin is tuple:
            return tuple(self._decode_field(args[0], v, f"{path}.{i}") for i, v in enumerate(listed(value, path)))
        if origin in (typing.Union, types.UnionType):
            if value is None:
                return None
            return self._decode_field(next(a for a in args if a is not type(None)), value, path)
        if dataclasses.is_dataclass(base):
            return self.decode(typing.cast(type, base), value, path)
        return scalar(base, knob, value, path)

    def knobs(self, cls: type) -> list[JSON]:
        """One entry a field with a `Knob`: name, label, help, type, default, bounds, choices."""
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
                row["choices"] = list(self.families[knob.family])
            if not required(defaults[name]):
                row["default"] = self.encode(default(defaults[name]))
            rows.append(row)
        return rows

    def schema(self, cls: type) -> JSON:
        """JSON Schema (draft 2020-12) of one part."""
        properties: dict[str, JSON] = {"kind": {"const": self.names[cls]}} if cls in self.names else {}
        for name, hint in field_types(cls).items():
            properties[name] = self._schema_of(hint)
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
        if knob is not None and knob.family is not None:
            kinds = {"kind": {"enum": list(self.families[knob.family])}}
            part = {"type": "object", "required": ["kind"], "properties": kinds}
            return text | ({"type": "array", "items": part} if origin is tuple else part)
        if origin is tuple:
            return text | {"type": "array", "items": self._schema_of(args[0])}
        if origin in (typing.Union, types.UnionType):
            inner = self._schema_of(next(a for a in args if a is not type(None)))
            return text | {"anyOf": [inner, {"type": "null"}]}
        if origin is Literal:
            return text | {"enum": list(args)}
        if dataclasses.is_dataclass(base):
            return text | self.schema(typing.cast(type, base))
        bounds = {} if knob is None else {"minimum": knob.low, "maximum": knob.high}
        return text | {"type": JSON_TYPES[base]} | {k: v for k, v in bounds.items() if v is not None}


JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def field_types(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def unwrap(hint: Any) -> tuple[Any, Knob | None]:
    """The bare type and the `Knob` of a field's annotation."""
    if get_origin(hint) is Annotated:
        base, *extra = get_args(hint)
        return base, next((e for e in extra if isinstance(e, Knob)), None)
    return hint, None


def scalar(base: Any, knob: Knob | None, value: JSON, path: str) -> Any:
    if get_origin(base) is Literal:
        if value not in get_args(base):
            raise Refused(f"{path} must be one of {', '.join(map(str, get_args(base)))}, not {value!r}.")
        return value
    if base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, base) or (isinstance(value, bool) and base is not bool):
        raise Refused(f"{path} must be {ARTICLES[base]}, not {value!r}.")
    if knob is not None and isinstance(value, (int, float)) and not within(value, knob):
        raise Refused(f"{path} must {bounds(knob)}, not {value:.10g}.")
    return value


def within(value: float, knob: Knob) -> bool:
    return (knob.low is None or value >= knob.low) and (knob.high is None or value <= knob.high)


def bounds(knob: Knob) -> str:
    """The bounds of a number in words."""
    if knob.low is not None and knob.high is not None:
        return f"lie between {knob.low:.10g} and {knob.high:.10g}"
    return f"be at least {knob.low:.10g}" if knob.low is not None else f"be at most {knob.high:.10g}"


ARTICLES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def type_name(base: Any, knob: Knob) -> str:
    if knob.family is not None:
        return "parts" if get_origin(base) is tuple else "part"
    return "choice" if get_origin(base) is Literal else JSON_TYPES.get(base, "other")


def listed(value: JSON, path: str) -> list[JSON]:
    if not isinstance(value, (list, tuple)):
        raise Refused(f"{path} must be a list, not {value!r}.")
    return list(value)


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def summary(cls: type) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(cls) or cls.__name__).splitlines()[0]
