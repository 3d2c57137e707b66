"""The smallest changes that make a refused set-up possible."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gradleak_core.config import knobs
from gradleak_core.types import JSON, Refused
from pages._parts import setup
from pages._parts.engine import catalogue
from pages._parts.pictures import caption
from pages._parts.problems import find_problems

MOST = 3


def fixes(experiment: JSON) -> dict[str, JSON]:
    """Returns, by the titles of at most three single changes, the set-ups to which they lead and which are possible."""
    afresh = experiment | {"fork": ""}
    if experiment["fork"] and not knobs.refusals(afresh, afresh, catalogue()):
        return {"Begin afresh": afresh}
    possible = (
        (title, changed)
        for title, changed in changes(experiment, catalogue())
        if changed != experiment and setup.allowed(changed) == changed and not find_problems(changed)
    )
    return dict(islice(possible, MOST))


def changes(experiment: JSON, known: JSON) -> Iterator[tuple[str, JSON]]:
    """Yields every change to try, the mildest first, without those that the engine refuses at once."""
    families = known["families"]
    images = experiment["images"]
    usual = next(image for image in (f"sample:{name}" for name in known["samples"]) if image not in images)
    for title, pictures in (
        ("Use one picture", images[:1]),
        ("Add a second picture", [*images[:1], usual]),
        (f"Use {caption([usual], known)}", [usual]),
    ):
        yield title, experiment | {"images": pictures, "labels": None}
    row = knobs.find_entry("models", experiment["model"], known)
    for patch in next((knob["choices"] for knob in row["knobs"] if knob["name"] == "patch"), ()):
        yield f"Use patches of {patch}", knobs.put(experiment, "model.patch", patch, known)
    for title, path, value in (
        ("Use 32 × 32 pixels", "size", 32),
        ("Show every layer", "threat.hidden", ""),
        ("Tell the labels", "attack.labels", "known_labels"),
        ("Use one round", "threat.rounds", 1),
        ("Leave statistics unknown", "threat.statistics", "unknown"),
        ("Use train mode", "client.train", True),
        ("Use one local step", "client", {"local_epochs": 1, "local_batch": 0}),
        *((f"Use the {row['title']}", "model", kind) for kind, row in families["models"].items()),
    ):
        try:
            value = experiment[path] | value if path == "client" else value
            yield title, knobs.put(experiment, path, value, known)
        except Refused:
            continue
    for prior in experiment["attack"].get("priors", []):
        rest = [other for other in experiment["attack"]["priors"] if other is not prior]
        title = families["priors"][prior["kind"]]["title"].lower()
        yield f"Leave out {title}", knobs.put(experiment, "attack.priors", rest, known)
