"""What a class did, as a CSV for grading: one line a member. Imports no torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from gradleak_core.config.cells import harmless
from gradleak_core.languages import say
from gradleak_core.room.challenges import Challenge, rank
from gradleak_core.room.naming import Naming
from gradleak_core.room.polls import Poll


def write_results(
    members: Mapping[str, str],
    runs: Mapping[str, int],
    polls: Sequence[Poll],
    namings: Sequence[Naming],
    challenges: Sequence[Challenge],
) -> str:
    """Returns the CSV of a room, in the order of the nicknames.

    `members` and `runs`, the number that each started, go by person. Only what was revealed counts.
    """
    shown, named = [p for p in polls if p.state == "revealed"], [n for n in namings if n.state == "revealed"]
    head = [say("Nickname"), say("Runs"), say("Votes"), say("Right votes"), say("Named"), say("Named right")]
    head += [f"{number}. {say(name_column(challenge))}" for number, challenge in enumerate(challenges, 1)]
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(map(harmless, head))
    for person, name in sorted(members.items(), key=lambda member: member[1].casefold()):
        right = sum(poll.points().get(person) is True for poll in shown)
        row: list[Any] = [name, runs.get(person, 0), sum(person in poll.votes for poll in shown), right]
        row += [sum(person in naming.answers for naming in named)]
        row += [sum(naming.right_since(person) is not None for naming in named)]
        row += [score_in(challenge, person) for challenge in challenges]
        sheet.writerow(map(harmless, row))
    return out.getvalue()


def name_column(challenge: Challenge) -> str:
    """Returns the title of a column of scores, with their unit."""
    return {
        "picture": "Best picture without being told the label (dB)",
        "defence": "Cheapest defence that holds (accuracy lost in %)",
    }[challenge.kind]


def score_in(challenge: Challenge, person: str) -> float | str:
    """Returns the score of a person in a challenge; empty for one who has none."""
    return next((entry.score for _, entry in rank(challenge.entries, challenge.kind) if entry.person == person), "")
