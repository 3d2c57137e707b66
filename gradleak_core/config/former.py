"""Reads set-ups, links, runs, files and settings with former names, and gives them today's.

Schema 2 says `restarts` for the independent guesses of an attack, which were `seeds`; `redrawn` for those that
diverged, which were `restarts`; and `distance` for how far updates lie from each other, which was `match`.
Schema 3 adds the race that a run is a lane of, schema 4 the tags of a run, schema 5 what was written down of it, and
schema 6 whose a run and an upload is and by which links others may see a run.
Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from gradleak_core.types import JSON

SCHEMA = 7
"""The version of everything that is written as JSON, and of the file of runs."""
PATHS = {"attack.seeds": "attack.restarts"}
"""Knobs by their former paths."""

FORMER_DOORS = frozenset({"metrics", "agent"})
"""What the variable GRADLEAK_OPEN listed before it said whether everybody may do everything."""


def renew_environment(variables: MutableMapping[str, str]) -> None:
    """Gives environment variables today's names: the doors that GRADLEAK_OPEN listed stand in GRADLEAK_EXPOSE."""
    doors = variables.get("GRADLEAK_OPEN", "").split()
    if doors and FORMER_DOORS.issuperset(doors):
        variables["GRADLEAK_EXPOSE"] = " ".join([variables.get("GRADLEAK_EXPOSE", ""), *doors]).strip()
        del variables["GRADLEAK_OPEN"]


def renew_experiment(experiment: JSON) -> JSON:
    """Returns an experiment by today's names. Anything else is returned as it is."""
    if not isinstance(experiment, dict) or not isinstance(experiment.get("attack"), dict):
        return experiment
    return experiment | {"attack": renamed(experiment["attack"], {"seeds": "restarts"})}


def renew_started(started: JSON) -> JSON:
    """Returns the message of a run's start by today's names."""
    if not isinstance(started, dict):
        return started
    losses = ["distance" if name == "match" else name for name in started.get("losses", ())]
    return renamed(started, {"seeds": "restarts"}) | ({"losses": losses} if "losses" in started else {})


def renew_result(result: JSON) -> JSON:
    """Returns the result of a run by today's names."""
    if not isinstance(result, dict):
        return result
    result = renamed(result, {"restarts": "redrawn"})
    parts = {"experiment": renew_experiment, "metrics": renew_scores}
    return result | {name: renew(result[name]) for name, renew in parts.items() if name in result}


def renew_head(head: JSON) -> JSON:
    """Returns the head of a frame by today's names."""
    if not isinstance(head, dict):
        return head
    curve, picture = head.get("curve"), head.get("picture")
    if isinstance(curve, dict) and "columns" in curve:
        head = head | {"curve": curve | {"columns": renew_scores(curve["columns"])}}
    if isinstance(picture, dict):
        picture = renamed(picture, {"restarts": "redrawn"})
        scores = {"metrics": renew_scores(picture["metrics"])} if "metrics" in picture else {}
        head = head | {"picture": picture | scores}
    return head


def renew_scores(values: JSON) -> JSON:
    """Returns scores or curves by today's names."""
    return renamed(values, {"match": "distance"}) if isinstance(values, dict) else values


def renamed(values: Mapping[str, JSON], names: Mapping[str, str]) -> dict[str, JSON]:
    """Returns the values in their order, with former names replaced by today's unless those are taken."""
    return {names[k] if k in names and names[k] not in values else k: value for k, value in values.items()}
