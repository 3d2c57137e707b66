"""Two runs side by side: both views, and what differs in set-up and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from gradleak_core.config import knobs
from gradleak_core.config.needs import labels_revealed
from gradleak_core.verdicts import duration, seen
from pages._parts import texts
from pages._parts.engine import catalogue
from pages._parts.live_view import run_alone
from pages._parts.note import note

JSON = Any


def compare(left: JSON, right: JSON) -> None:
    """Shows two runs side by side, and what differs between them."""
    for column, row, side in zip(st.columns(2, gap="medium"), (left, right), ("left", "right"), strict=True):
        with column:
            st.subheader(texts.escaped(row["name"]))
            note(texts.ingredients(row["experiment"], catalogue()))
            run_alone(row, key=f"compare-{side}")
    st.subheader("What differs in the set-up")
    rows = list(differing(left["experiment"], right["experiment"]))
    if rows:
        st.markdown(texts.table(["Setting", "Left", "Right"], rows))
    else:
        st.markdown("Nothing: both runs have exactly the same set-up, seed included.")
    st.subheader("Numbers")
    st.markdown(texts.table(["Number", "Left", "Right", "Better for the attacker"], numbers(left, right)))


def numbers(left: JSON, right: JSON) -> list[list[str]]:
    """Returns a row for each metric, the iterations and the time: title, both values, and which way is better."""
    results = [row["result"] or {} for row in (left, right)]
    rows = []
    for name, metric in catalogue()["metrics"].items():
        title = metric["title"] + (f" ({metric['unit']})" if metric.get("unit") else "")
        better = metric["better"] if name != "distance" or same_distance(left, right) else "not comparable"
        rows.append([title, *(scored(row, name) for row in (left, right)), better])
    rows.append(["What is seen", *(seen(result.get("metrics") or {}) or "none" for result in results), ""])
    rows.append(["Iterations", *(str(row["iteration"]) for row in (left, right)), ""])
    times = [result.get("seconds") for result in results]
    rows.append(["Time", *("none" if value is None else duration(value) for value in times), "lower"])
    return rows


def same_distance(left: JSON, right: JSON) -> bool:
    """Returns whether the gradient distance means the same in both runs."""
    one, other = ([row["experiment"]["attack"].get(part) for part in ("distance", "matched")] for row in (left, right))
    return one == other


def scored(row: JSON, name: str) -> str:
    """Returns a metric of a run's result. Labels that the attacker was told count as no achievement."""
    value = ((row["result"] or {}).get("metrics") or {}).get(name)
    if value is None:
        return "none"
    return "told" if name == "label_accuracy" and labels_revealed(row["experiment"]) else texts.small(value)


def differing(left: JSON, right: JSON, path: str = "") -> Iterator[list[str]]:
    """Yields the place and both values of each leaf that differs. Parts of different kinds differ as a whole.

    Attacks of different names differ in their names, and then in each of their fields.
    """
    if isinstance(left, dict) and isinstance(right, dict) and alike(left, right):
        for name in {**left, **right}:
            label = "" if name == "name" else labels(left).get(name, name.capitalize())
            yield from differing(left.get(name), right.get(name), ", ".join(filter(None, (path, label))))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, pair in enumerate(zip(left, right, strict=True), 1):
            yield from differing(*pair, f"{path} {number}" if len(left) > 1 else path)
    elif left != right:
        yield [path, shown(left), shown(right)]


def labels(part: JSON) -> dict[str, str]:
    """Returns the labels of the knobs of a part, or of the experiment with all that belongs to no part."""
    known = catalogue()
    rows = [row for family in known["families"].values() for row in family.values()]
    mine = [row for row in rows if row["default"]["kind"] == part.get("kind")]
    mine = mine or [known[name] for name in ("experiment", *knobs.OBJECTS)]
    return {knob["name"]: knob["label"] for row in mine for knob in row["knobs"]}


def alike(left: JSON, right: JSON) -> bool:
    return bool(left.get("kind") == right.get("kind"))


def shown(value: Any) -> str:
    """Returns a value as a reader wants it: a part by its name, a list by its items."""
    if isinstance(value, dict):
        return str(value.get("name") or value.get("kind"))
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "none"
    return "each picture's own" if value is None else str(value)
