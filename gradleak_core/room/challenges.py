"""Challenges to the room, scored by the server's own rows of runs: nothing that a phone says counts. Imports no torch.

`picture`: the best picture without being told the label. `defence`: the cheapest defence that holds, by the accuracy
that it cost where its trade-off was recorded. All play with the same set-up but for what the challenge is about.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Any

from gradleak_core.config.schemas import quoted
from gradleak_core.languages import say
from gradleak_core.room.polls import known_fields
from gradleak_core.types import JSON, Refused

CHALLENGES = {
    "picture": "Best picture without being told the label",
    "defence": "Cheapest defence that holds",
}
"""What is asked for, by the kind of challenge."""
MAY_DIFFER = {"picture": frozenset({"attack", "seed", "threads"}), "defence": frozenset({"defences", "threads"})}
"""The fields of a set-up that one may change, by the kind of challenge. With another seed a defence holds by luck."""
UNTOLD_LABELS = "known_labels"
"""The rule of an attacker who is told the labels."""
TRIED = ("done", "level", "recovered", "stuck", "diverged")
"""The ends of a run in which the attack was tried to its end, so that a defence can be said to have held."""
LINES = 10
"""The lines of the ranking that are shown."""


@dataclass(frozen=True)
class Entry:
    """The best run of one person in a challenge. `score` is what is shown and ranked by, in `unit`."""

    person: str
    run: str
    score: float
    unit: str


@dataclass
class Challenge:
    """One challenge to the room: its kind, the set-up to play with, and who has done best."""

    kind: str
    setup: JSON
    about: str = ""
    begun: float = 0.0
    """Runs for which nobody asked since then, in seconds since 1970, do not count."""
    query: dict[str, Any] = field(default_factory=dict)
    """What the address of the Lab says with this set-up, as `config.links.to_query` writes it."""
    ended: bool = False
    entries: list[Entry] = field(default_factory=list)
    """The best entry of each person, as they were last looked up; at the end they stay as they are."""
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    def look(
        self, rows: Iterable[Any], members: Iterable[str], costs: Mapping[str, Any], asked: Set[tuple[str, str]]
    ) -> bool:
        """Scores rows of runs. `asked` pairs runs with the members who asked for them since it began.

        Returns whether the entries changed.
        """
        if self.ended:
            return False
        found = best_of_each(find_entries(self, rows, frozenset(members), costs, asked), self.kind)
        changed, self.entries = found != self.entries, found
        return changed

    def common(self, names: Mapping[str, str]) -> JSON:
        """Returns what everybody may see of it. The ranking calls those who play by their `names`."""
        lines = self._lines(names)
        return {
            "game": "challenge", "id": self.id, "kind": self.kind, "title": CHALLENGES[self.kind],
            "about": self.about, "query": self.query, "ended": self.ended,
            "ranking": list(lines.values())[:LINES], "players": len(lines),
        }  # fmt: skip

    def own(self, asker: str | None, names: Mapping[str, str]) -> JSON:
        """Returns a person's own line of the ranking, as `mine`; None for one who has none."""
        return {"id": self.id, "mine": self._lines(names).get(asker or "")}

    def _lines(self, names: Mapping[str, str]) -> dict[str, JSON]:
        return {
            entry.person: {"place": place, "name": names.get(entry.person, "?"), "run": entry.run}
            | {"score": entry.score, "unit": entry.unit}
            for place, entry in rank(self.entries, self.kind)
        }


def check_challenge(kind: Any) -> str:
    """Returns the kind of a challenge. Raises `Refused`."""
    if not isinstance(kind, str) or kind not in CHALLENGES:
        raise Refused(say("Ask for one of {kinds}, not {kind}.", kinds=", ".join(CHALLENGES), kind=quoted(kind)))
    return kind


def find_entries(
    challenge: Challenge, rows: Iterable[Any], members: frozenset[str], costs: Any, asked: Set[tuple[str, str]]
) -> list[Entry]:
    """Returns an entry for each run that counts, of every member who asked for it: several can have the same run."""
    of_run: dict[str, set[str]] = {}
    for run, person in asked:
        of_run.setdefault(run, set()).add(person)
    unit = "dB" if challenge.kind == "picture" else "%"
    found = []
    for row in rows:
        people = of_run.get(row["id"], set()) & members
        score = score_run(challenge, row, costs) if people else None
        if score is not None:
            found += [Entry(person, row["id"], score, unit) for person in sorted(people)]
    return found


def score_run(challenge: Challenge, row: Any, costs: Mapping[str, Any]) -> float | None:
    """Returns what a run scores; None for one that does not count."""
    result, experiment = row.get("result"), row.get("experiment") or {}
    if not isinstance(result, Mapping) or not result.get("metrics"):
        return None
    if not plays_by_the_rules(challenge, experiment):
        return None
    if challenge.kind == "picture":
        psnr = result["metrics"].get("psnr")
        return round(psnr, 1) if isinstance(psnr, (int, float)) and math.isfinite(psnr) else None
    held = row.get("status") in TRIED and result.get("seconds_to_recognisable") is None
    return cost_of(experiment.get("defences"), costs) if held else None


def plays_by_the_rules(challenge: Challenge, experiment: Any) -> bool:
    """Returns whether a set-up is the challenge's, but for what may be changed, and whether it is told no label."""
    free = MAY_DIFFER[challenge.kind] | {"fork"}
    names = (challenge.setup.keys() | experiment.keys()) - free
    if experiment.get("fork") or any(challenge.setup.get(name) != experiment.get(name) for name in names):
        return False
    rule = ((experiment.get("attack") or {}).get("labels") or {}).get("kind")
    return challenge.kind != "picture" or rule not in (None, UNTOLD_LABELS)


def cost_of(defences: Any, costs: Mapping[str, Any]) -> float | None:
    """Returns the percentage points of accuracy that one defence cost where its trade-off was recorded.

    Between two recorded strengths it lies on the line between them, and beyond them it is that of the nearest. Several
    defences, and one whose other knobs were changed, have no recorded cost, and so none here.
    """
    if not isinstance(defences, list) or len(defences) != 1:
        return None
    part, curve = defences[0], costs.get(defences[0].get("kind"))
    if curve is None:
        return None
    knob = curve["knob"]
    if {k: v for k, v in part.items() if k != knob} != curve["rest"]:
        return None
    points = curve["points"]
    return round(points[0][1] if not knob else interpolate(points, float(part[knob])), 1)


def interpolate(points: Iterable[tuple[float, float]], at: float) -> float:
    """Returns the value of a broken line of points (x, y) at x, and beyond its ends that of the nearest end."""
    known = sorted(points)
    if at <= known[0][0] or at >= known[-1][0]:
        return known[0][1] if at <= known[0][0] else known[-1][1]
    for (left, low), (right, high) in pairwise(known):
        if at <= right:
            return low + (high - low) * (at - left) / (right - left)
    raise AssertionError("a number between the ends lies between two neighbours")


def read_costs(recorded: JSON) -> dict[str, Any]:
    """Returns the cost of each defence in percentage points, by strength, from the recorded trade-offs.

    What trains better with a defence than without, by chance, costs nothing.
    """
    costs = {}
    for kind, curve in recorded["curves"].items():
        bare, knob = fmean(recorded["bare"][str(curve["batch"])]["accuracy"]), curve["knob"]
        points = [
            (point["value"] or 0.0, max(0.0, 100 * (bare - fmean(point["accuracy"])))) for point in curve["points"]
        ]
        part = curve["points"][0]["defences"][0]
        costs[kind] = {"knob": knob, "rest": {k: v for k, v in part.items() if k != knob}, "points": points}
    return costs


def best_of_each(entries: Iterable[Entry], kind: str) -> list[Entry]:
    """Returns the best entry of each person, best first; of equal ones the earlier."""
    best: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: order_of(entry, kind)):
        best.setdefault(entry.person, entry)
    return list(best.values())


def order_of(entry: Entry, kind: str) -> float:
    return -entry.score if kind == "picture" else entry.score


def rank(entries: Sequence[Entry], kind: str) -> list[tuple[int, Entry]]:
    """Returns entries with their places, best first. Equal scores share a place, and the next one counts them all."""
    ordered = sorted(entries, key=lambda entry: order_of(entry, kind))
    return [(1 + sum(order_of(other, kind) < order_of(entry, kind) for other in ordered), entry) for entry in ordered]


def save_challenge(challenge: Challenge) -> JSON:
    """Returns a challenge as JSON, from which `load_challenge` makes it again."""
    return asdict(challenge)


def load_challenge(saved: JSON) -> Challenge:
    """Returns the challenge that was saved."""
    entries = [Entry(**entry) for entry in saved.get("entries", ())]
    return Challenge(**known_fields(Challenge, saved) | {"entries": entries})
