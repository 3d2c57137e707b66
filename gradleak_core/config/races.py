"""A race: the same attack on the same pictures in several lanes that differ by named knobs. Imports no torch.

As JSON it is `{"title": null or a text, "by": "iterations" or "seconds", "lanes": [experiment, ...]}`. In a link and on
the command line a lane is a text of what differs from the first one: `defence=gaussian_noise:std=0.01&attack=dlg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

from gradleak_core.config.differences import differences
from gradleak_core.config.knobs import find_entry, kind_of, put, top
from gradleak_core.config.links import read_changes, to_query
from gradleak_core.config.schemas import fit_text, quoted
from gradleak_core.types import JSON, Refused

FEWEST_LANES, MOST_LANES = 2, 12
"""The bounds of the number of lanes. Up to six have a colour of their own."""
WAYS = ("iterations", "seconds")
"""What the lanes of a race can have in common at any moment."""
MOST_NAMED = 2
"""The most values that are named in each lane."""
BRACKETS = re.compile(r" \([^()]*\)")
LONG_NAME, LONGEST_NAME = 40, 60
"""The most characters of a lane's name with the numbers of its parts, and of any."""


def check_race(race: JSON) -> JSON:
    """Returns a race with what it left out; its lanes are not looked at. Raises `Refused`."""
    lanes = race.get("lanes") if isinstance(race, dict) else None
    if not isinstance(lanes, list) or not FEWEST_LANES <= len(lanes) <= MOST_LANES:
        raise Refused(f"A race needs {FEWEST_LANES} to {MOST_LANES} lanes, each an experiment.")
    by, title = race.get("by", WAYS[0]), race.get("title")
    if by not in WAYS:
        raise Refused(f"by must be {' or '.join(WAYS)}, not {quoted(by)}.")
    return {"title": title, "by": by, "lanes": lanes}


def check_lanes(lanes: Sequence[JSON]) -> None:
    """Raises `Refused` unless there are enough lanes, not too many, and no two that are the same."""
    if not FEWEST_LANES <= len(lanes) <= MOST_LANES:
        raise Refused(f"A race needs {FEWEST_LANES} to {MOST_LANES} lanes, and this one would have {len(lanes)}.")
    for number, lane in enumerate(lanes, 1):
        if lane in lanes[: number - 1]:
            twin = lanes.index(lane) + 1
            raise Refused(f"Lanes {twin} and {number} are the same; change one of them or leave it out.")


def lane_text(lane: JSON, first: JSON, catalogue: JSON) -> str:
    """Writes how a lane differs from the first lane, as `read_lane` reads it; empty where it does not."""
    query = to_query(lane, catalogue, first)
    pairs = [(key, text) for key, value in query.items() for text in ([value] if isinstance(value, str) else value)]
    return "&".join(f"{key}={quote(text, safe=':,=/')}" for key, text in pairs)


def read_lane(text: str, first: JSON, catalogue: JSON) -> JSON:
    """Returns the experiment of a lane that differs from the first one as a text says. Raises `Refused`."""
    query: dict[str, list[str]] = {}
    for change in filter(None, text.split("&")):
        path, equals, value = change.partition("=")
        if not equals or not path.strip():
            raise Refused(f"{quoted(change)} is not of the form path=value, such as defence=gaussian_noise:std=0.01.")
        query.setdefault(path.strip(), []).append(unquote(value))
    lane, complaints = read_changes(query, catalogue, first)
    if complaints:
        raise Refused(complaints[0])
    return lane


def sweep_knob(first: JSON, path: str, values: Sequence[str], catalogue: JSON) -> list[JSON]:
    """Returns an experiment for each value of one knob, such as `attack.optimiser.lr`. Raises `Refused`."""
    if path == "defence":
        return [read_lane(f"defence={value}", first, catalogue) for value in values]
    return [put(first, path, value, catalogue) for value in values]


def lane_names(lanes: Sequence[JSON], catalogue: JSON) -> list[str]:
    """Returns a short name for each lane: its values where the lanes differ.

    If they differ in many places, the others have only the values that the first has not; where these are not whole
    parts, the first is "the set-up". Numbers in brackets are left out of long names, if the lanes are told apart
    without them.
    """
    rows = main_differences(lanes, catalogue)
    many, parts = len(rows) > MOST_NAMED, all(", " not in place for place, _ in rows)
    names = [name_values(rows, 0) if rows and (parts or not many) else "the set-up"]
    rest = ", else as 1" if many and parts else ""
    for at in range(1, len(lanes)):
        own = [row for row in rows if row[1][at] != row[1][0]] if many else rows
        names.append(f"{name_values(own, at)}{rest}" if own else str(at + 1))
    bare = [BRACKETS.sub("", name) for name in names]
    long = max(map(len, names)) > LONG_NAME and len(set(bare)) == len(set(names))
    return [fit_text(name, LONGEST_NAME) for name in (bare if long else names)]


def main_differences(lanes: Sequence[JSON], catalogue: JSON) -> list[tuple[str, list[str]]]:
    """Returns what differs, without the fields of parts that differ as a whole."""
    rows = list(differences(lanes, catalogue))
    whole = [f"{place}, " for place, _ in rows]
    return [(place, values) for place, values in rows if not place.startswith(tuple(whole))]


def name_values(rows: Sequence[tuple[str, list[str]]], at: int) -> str:
    """Names the values of the lane at a place, with their labels where they are numbers."""
    words = []
    for place, values in rows:
        label, value = place.rpartition(", ")[2], values[at]
        if value == "none":
            words.append(f"no {label.lower().removesuffix('s')}")
        else:
            told = value.endswith(label.lower())  # as "3 pictures" does
            number = not (value[:1].isalpha() or told) or value in ("yes", "no")
            words.append(f"{label} {value}" if number else f"{label}: {value}" if ", " in place else value)
    return ", ".join(words)


def race_title(lanes: Sequence[JSON], catalogue: JSON) -> str:
    """Names a race after what its lanes differ in."""
    places = [place.rpartition(", ")[2].lower() for place, _ in main_differences(lanes, catalogue)]
    told = list(dict.fromkeys(places))[:3]
    return f"Race of {len(lanes)}: {', '.join(told)}" if told else f"Race of {len(lanes)}"


def sweepable(experiment: JSON, catalogue: JSON) -> dict[str, JSON]:
    """Returns the numeric knobs of an experiment by their paths, each with its present `value`; defences come first."""
    order = {"defences": 0, "attack": 1, "model": 2}
    knobs = sorted(top(catalogue), key=lambda knob: order.get(knob["name"], 3))
    return dict(_numeric(experiment, knobs, catalogue, ""))


def _numeric(part: JSON, knobs: Sequence[JSON], catalogue: JSON, before: str) -> Iterator[tuple[str, JSON]]:
    for knob in knobs:
        name, kind, value = knob["name"], knob["type"], part.get(knob["name"])
        if kind in ("integer", "number"):
            yield f"{before}{name}", knob | {"value": value}
        elif kind == "object":
            yield from _numeric(value, knob["knobs"], catalogue, f"{before}{name}.")
        elif kind == "part" and value:
            inner = find_entry(knob["family"], value, catalogue)["knobs"]
            yield from _numeric(value, inner, catalogue, f"{before}{name}.")
        elif kind == "parts":
            for item in value or ():
                inner = find_entry(knob["family"], item, catalogue)["knobs"]
                path = f"{before}{name}.{kind_of(knob['family'], item, catalogue)}."
                yield from _numeric(item, inner, catalogue, path)


def usual_values(knob: JSON) -> list[float]:
    """Returns three values of a numeric knob to sweep: a tenth or a half of the present one, that one, and more."""
    value, factor = knob["value"] or 1, 10 if knob.get("log") or knob["type"] == "number" else 2
    low, high = knob.get("low"), knob.get("high")
    wanted = [value / factor, value, value * factor]
    bounded = [max(low if low is not None else one, min(high if high is not None else one, one)) for one in wanted]
    return list(dict.fromkeys(round(one) if knob["type"] == "integer" else float(f"{one:.4g}") for one in bounded))
