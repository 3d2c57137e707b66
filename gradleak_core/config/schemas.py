"""Checks JSON against the schemas that `Codec.schema` writes, and fills in defaults. Imports no torch.

The web process checks with the catalogue's schemas what comes in at the door, the codec with its own what it builds:
so the two refuse alike, in the same words. A schema is JSON Schema (draft 2020-12) with one word of our own, `family`:
the value is a part, and the row of its kind in that family of the catalogue has the schema of it.
"""

from __future__ import annotations

import math
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gradleak_core.types import JSON, Refused

Families = Mapping[str, Mapping[str, JSON]]
"""Family -> name -> row with at least `default` and `schema`."""
MOST_CHARACTERS = 1000
"""The longest text an experiment may hold."""
QUOTED = 80
"""Characters that a refusal quotes at most of what was sent."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = QUOTED


def quoted(value: Any) -> str:
    """Returns a value as a refusal shows it: printable and at most 80 characters long."""
    return fit_text(_short.repr(value), QUOTED)


def fit_text(text: str, most: int) -> str:
    """Returns a text, or its beginning if it has more than so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def checked(value: JSON, schema: JSON, families: Families, path: str = "") -> JSON:
    """Returns a copy of a value, with the defaults of all that it leaves out. Raises `Refused`, naming the path."""
    if "anyOf" in schema:
        return None if value is None else checked(value, schema["anyOf"][0], families, path)
    if "family" in schema:
        return _check_part(value, families[schema["family"]], families, path)
    if "enum" in schema or "const" in schema:
        return choice(value, schema.get("enum") or [schema["const"]], path)
    if schema["type"] == "object":
        return _object(value, schema, families, path, {})
    if schema["type"] == "array":
        items = check_list(value, schema.get("minItems"), schema.get("maxItems"), path)
        return [checked(item, schema["items"], families, f"{path}.{index}") for index, item in enumerate(items)]
    return SCALARS[schema["type"]](value, schema.get("minimum"), schema.get("maximum"), path)


def row_of(part: Mapping[str, JSON], rows: Mapping[str, JSON]) -> JSON | None:
    """Returns the row of a part among those of its family, None for an unknown kind.

    Recipes share one kind and are told apart by their name; one that no row has is like any other recipe.
    """
    kind, name = part.get("kind"), part.get("name")
    named = (rows.get(word) for word in (kind, name) if isinstance(word, str))
    alike = (row for row in rows.values() if row["default"].get("kind") == kind)
    found = next(filter(None, (*named, *alike)), None)
    return found if found is not None and found["default"].get("kind") == kind else None


def rows_of(part: Mapping[str, JSON], families: Families) -> Iterator[JSON]:
    """Yields the row of a part of whichever family, none for an unknown kind."""
    return filter(None, (row_of(part, rows) for rows in families.values()))


def _check_part(value: JSON, rows: Mapping[str, JSON], families: Families, path: str) -> JSON:
    if not isinstance(value, Mapping):
        raise Refused(f"{path} must be an object, not {quoted(value)}.")
    row = row_of(value, rows)
    if row is None:
        kinds = dict.fromkeys(row["default"]["kind"] for row in rows.values())
        raise Refused(f"{path} has no kind {quoted(value.get('kind'))}; choose from {', '.join(kinds)}.")
    default = row["default"] if value.get("name") == row["default"].get("name") else {}
    return _object(value, row["schema"], families, path, default)


def _object(value: JSON, schema: JSON, families: Families, path: str, default: Mapping[str, JSON]) -> JSON:
    if not isinstance(value, Mapping):
        raise Refused(f"{path or 'The experiment'} must be an object, not {quoted(value)}.")
    known = schema["properties"]
    for name in value:
        if name not in known:
            names = ", ".join(each for each in known if each != "kind")
            raise Refused(f"{join(path, short(name))} is not known here; choose from {names}.")
    whole = {name: rule["default"] for name, rule in known.items() if "default" in rule} | {**default, **value}
    for name in known:
        if name not in whole:
            raise Refused(f"{join(path, name)} is missing; add it.")
    return {name: checked(whole[name], rule, families, join(path, name)) for name, rule in known.items()}


def join(path: str, name: str) -> str:
    """Returns the path of a field of what lies at `path`."""
    return f"{path}.{name}" if path else name


def short(word: Any) -> str:
    """Returns a name or a path as it is when it can be read, else as a quotation."""
    plain = isinstance(word, str) and word.strip() and word.isprintable() and len(word) <= QUOTED
    return str(word) if plain else quoted(word)


def check_list(value: JSON, low: int | None, high: int | None, path: str) -> list[JSON]:
    """Returns the items of a list of `low` to `high` entries. Raises `Refused`."""
    if not isinstance(value, (list, tuple)):
        raise Refused(f"{path} must be a list, not {quoted(value)}.")
    if len(value) < (low or 0) or (high is not None and len(value) > high):
        wanted = f"{low or 0} to {high} entries" if high is not None else "at least one entry"
        raise Refused(f"{path} must hold {wanted}, not {len(value)}.")
    return list(value)


def choice(value: JSON, choices: Iterable[JSON], path: str) -> JSON:
    """Returns a value that is one of the choices, of the same type. Raises `Refused`."""
    if not any(type(value) is type(each) and value == each for each in choices):
        raise Refused(f"{path} must be one of {', '.join(map(str, choices))}, not {quoted(value)}.")
    return value


def integer(value: JSON, low: float | None, high: float | None, path: str) -> int:
    """Returns a whole number within its bounds. Raises `Refused`."""
    if type(value) is not int:
        raise Refused(f"{path} must be a whole number, not {quoted(value)}.")
    _within(value, low, high, path)
    return value


def number(value: JSON, low: float | None, high: float | None, path: str) -> float:
    """Returns a finite number within its bounds. Raises `Refused`."""
    if type(value) not in (int, float):
        raise Refused(f"{path} must be a number, not {quoted(value)}.")
    _within(value, low, high, path)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused(f"{path} must be a number that a computer can hold, not {quoted(value)}.")
    return number


def _within(value: float, low: float | None, high: float | None, path: str) -> None:
    if (low is None or value >= low) and (high is None or value <= high):
        return
    if low is not None and high is not None:
        bounds = f"lie between {low:.10g} and {high:.10g}"
    else:
        bounds = f"be at least {low:.10g}" if low is not None else f"be at most {high:.10g}"
    raise Refused(f"{path} must {bounds}, not {quoted(value)}.")


def boolean(value: JSON, low: None, high: None, path: str) -> bool:
    """Returns true or false. Raises `Refused`."""
    if type(value) is not bool:
        raise Refused(f"{path} must be true or false, not {quoted(value)}.")
    return value


TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of the text around them, and so what a reader takes it for."""


def string(value: JSON, low: None = None, high: int | None = None, path: str = "text") -> str:
    """Returns a text of at most `high` characters that every reader can be shown. Raises `Refused`."""
    high = MOST_CHARACTERS if high is None else high
    if not isinstance(value, str):
        raise Refused(f"{path} must be a text, not {quoted(value)}.")
    if len(value) > high:
        raise Refused(f"{path} must have at most {high} characters, not {len(value)}.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in TURNING for letter in value):
        raise Refused(f"{path} holds characters that cannot be shown: {quoted(value)}; leave them out.")
    return value


SCALARS: dict[str, Callable[..., JSON]] = {
    "integer": integer, "number": number, "boolean": boolean, "string": string,
}  # fmt: skip
