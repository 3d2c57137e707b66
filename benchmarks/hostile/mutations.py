"""Experiments gone wrong: every preset and every part's default, with up to three things in it changed for worse."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from gradleak_core.config import knobs

JSON = Any
Place = tuple[Any, Any]
"""An object or list, and a key or index of it."""

FIELDS = {
    "attacks": "attack", "models": "model", "weights": "weights", "inits": "model.init", "defences": "defences",
    "distances": "attack.distance", "labels": "attack.labels", "unknowns": "attack.unknowns",
    "priors": "attack.priors", "optimisers": "attack.optimiser", "stances": "attack.stance",
    "matched": "attack.matched",
}  # fmt: skip
"""Where in an experiment a part of each family goes."""
LISTS = ("defences", "unknowns", "priors")


def deep(levels: int) -> JSON:
    """Objects inside each other."""
    value: JSON = 1
    for _ in range(levels):
        value = {"kind": value}
    return value


VALUES: tuple[JSON, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 16, 17, 32.0, 0.5, -0.0, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf,
    10**18, 2**63, 10**400, -(10**4000), "", " ", "x", "1", "nope", "recipe", "sample:", "sample:astronaut",
    "sample:nobody", "upload:" + "0" * 64, "upload:../../etc/passwd", "dataset:cifar10/test/99999", "dataset:x/test/0",
    "folder:a/b/c.png", "folder:../../../etc", "\ud800", "a\udfffb", "\x00", "a\nb\x1b[31m", "\u202eabc", "é" * 60,
    "a" * 20_000, "%s%n", "{0.__class__}", "<script>alert(1)</script>", "' OR 1=1 --", [], [[]], [None], {},
    {"kind": 0}, {"kind": None}, {"kind": []}, {"kind": "nope"}, {"kind": "\ud800"},
    {"kind": "recipe", "name": "nobody"}, ["sample:astronaut"] * 9000, [0] * 9000, deep(19), deep(200),
)  # fmt: skip
"""What is put where something else belongs."""
NAMES = ("", "kind", "name", "steps", "nope", "__class__", "\ud800", "\x00", "a" * 5000)
"""Keys that are added."""


def experiments(catalogue: JSON, seed: int) -> Iterator[JSON]:
    """Mutated experiments without end; the same for the same catalogue and seed."""
    dice = random.Random(seed)
    known = bases(catalogue)
    while True:
        experiment = {"": copy.deepcopy(dice.choice(known))}
        for _ in range(dice.choice((1, 1, 2, 3))):
            dice.choice(CHANGES)(dice, *dice.choice(list(places(experiment))))
        yield experiment[""]


def bases(catalogue: JSON) -> list[JSON]:
    """Every preset and the default with every part of every family, two iterations long."""
    first = knobs.start(catalogue)
    found = [first | preset["experiment"] for preset in catalogue["presets"]]
    for family, path in FIELDS.items():
        for row in catalogue["families"].get(family, {}).values():
            part = [row["default"]] if family in LISTS else row["default"]
            found.append(knobs.put(first, path, part, catalogue))
    return [one | {"attack": one["attack"] | {"steps": 2, "restarts": 1}} for one in copy.deepcopy(found)]


def places(value: JSON) -> Iterator[Place]:
    """Every key of every object and every index of every list inside a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def replaced(dice: random.Random, node: JSON, key: Any) -> None:
    node[key] = copy.deepcopy(dice.choice(VALUES))


def removed(dice: random.Random, node: JSON, key: Any) -> None:
    if key != "":
        del node[key]


def added(dice: random.Random, node: JSON, key: Any) -> None:
    """Another key in an object, another item in a list."""
    inside = node[key]
    if isinstance(inside, dict):
        inside[dice.choice(NAMES)] = copy.deepcopy(dice.choice(VALUES))
    elif isinstance(inside, list):
        inside.append(copy.deepcopy(dice.choice([*VALUES, *inside])))


def exchanged(dice: random.Random, node: JSON, key: Any) -> None:
    """What stands elsewhere in the same object or list."""
    other = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
    node[key], node[other] = copy.deepcopy(node[other]), copy.deepcopy(node[key])


def retyped(dice: random.Random, node: JSON, key: Any) -> None:
    """Nearly what it was: a number as text or as the other kind of number, anything in a list or an object."""
    value = node[key]
    forms = [[value], {"kind": value}, str(value)[:100], bool(value)]
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e300:
        forms += [float(value), int(value), -value, value * 1e9, value + 1e-9]
    node[key] = dice.choice(forms)


CHANGES: tuple[Callable[[random.Random, JSON, Any], None], ...] = (
    replaced,
    replaced,
    removed,
    added,
    exchanged,
    retyped,
)
