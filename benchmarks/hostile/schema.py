"""Experiments drawn by Hypothesis from the catalogue's own JSON Schema: right ones, nearly right and wrong ones."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.hostile.experiments import offer
from benchmarks.hostile.mutations import VALUES, deep
from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server

JSON = Any
Draw = Any
ODDS = (0, 80, 25, 12, 6)
"""One value in so many is a wrong one, in an experiment for which this was drawn; 0 for none."""
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.one_of(
    st.sampled_from(VALUES),
    LEAVES,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)),
    st.integers(1, 400).map(deep),
)
SMALL = 4
"""Above the least that a number may be, so that most of what is right is quick to play."""


def send(server: Server, number: int, count: int) -> Tally:
    """Submits `count` experiments, drawn with this seed."""
    tally, catalogue, numbers = Tally(), server.get("catalogue"), itertools.count()

    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck
    )
    @seed(number)
    @given(experiments(catalogue).map(json.dumps))  # as a text, because Hypothesis cannot show what is nested deeply
    def submit(experiment: str) -> None:
        offer(server, json.loads(experiment), next(numbers), tally)

    submit()
    return tally


@st.composite
def experiments(draw: Draw, catalogue: JSON) -> JSON:
    """One experiment of the catalogue, or something that once was one."""
    return value(draw, catalogue["experiment"]["schema"], catalogue, draw(st.sampled_from(ODDS)))


def value(draw: Draw, schema: JSON, catalogue: JSON, odds: int) -> JSON:
    """One value that a schema describes, unless a wrong one was drawn."""
    if odds and draw(st.integers(1, odds)) == 1:
        return draw(ANYTHING)
    if "anyOf" in schema:
        return value(draw, schema["anyOf"][0], catalogue, odds) if draw(st.booleans()) else None
    if "family" in schema:
        row = draw(st.sampled_from(list(catalogue["families"][schema["family"]].values())))
        return brief(row["default"]) if draw(st.booleans()) else brief(table(draw, row["schema"], catalogue, odds))
    if "enum" in schema or "const" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    if schema["type"] == "object":
        return table(draw, schema, catalogue, odds)
    if schema["type"] == "array":
        size = draw(st.integers(schema.get("minItems", 0), 2)) if draw(st.integers(0, 9)) else 40
        return [value(draw, schema["items"], catalogue, odds) for _ in range(min(size, schema.get("maxItems", 40)))]
    return scalar(draw, schema, catalogue, odds)


def brief(part: JSON) -> JSON:
    """The same part, but an attack by optimisation takes few iterations, unless their number is wrong."""
    steps = part.get("steps")
    return part | {"steps": 2} if type(steps) is int and 2 < steps <= 10_000 else part


def table(draw: Draw, schema: JSON, catalogue: JSON, odds: int) -> JSON:
    """One object; what has a default is left out now and then, and a wrong object has a name too many."""
    fields = {
        name: value(draw, rule, catalogue, odds)
        for name, rule in schema["properties"].items()
        if "default" not in rule or draw(st.booleans())
    }
    return (
        fields | draw(st.dictionaries(st.text(), ANYTHING, max_size=1)) if odds == min(filter(None, ODDS)) else fields
    )


def scalar(draw: Draw, schema: JSON, catalogue: JSON, odds: int) -> JSON:
    """One number within its bounds, or just beyond them where values may be wrong; a text or a truth value."""
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
    if schema["type"] == "boolean":
        return draw(st.booleans())
    if schema["type"] == "string":
        return schema["default"] if "default" in schema else f"sample:{draw(st.sampled_from([*catalogue['samples']]))}"
    beyond = (low, high, low - 1, high + 1, -high, high * 10, -0.0) if odds else (low, high)
    kinds = (st.integers, int) if schema["type"] == "integer" else (st.floats, float)
    near = kinds[0](kinds[1](low), kinds[1](min(high, low + SMALL)))
    return draw(st.one_of(near, near, kinds[0](kinds[1](low), kinds[1](high)), st.sampled_from(beyond)))
