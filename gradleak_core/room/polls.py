"""Predict, vote, reveal: one question to the room, and the votes beside what the run came to. Imports no torch.

What is asked and answered is kept in English with the values apart, so that every phone says it in its own language.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Any

from gradleak_core.config.schemas import number, quoted, string
from gradleak_core.languages import say
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import write_likeness

QUESTIONS = {
    "leaks": "Does the picture leak, or does it stay hidden?",
    "hides": "Which of these hides the picture best?",
    "first": "Which of these is recognisable first?",
    "seconds": "After how many seconds is the picture recognisable?",
    "own": "",
}
"""What is asked, by its kind; the host writes `own` questions."""
COMPARES = ("hides", "first")
"""The kinds of questions about a race, whose options are its lanes."""
USUAL_BOUNDS = (1.0, 2.0, 5.0, 10.0)
"""The seconds between two options, unless the host says others."""
FEWEST_OPTIONS, MOST_OPTIONS = 2, 8
LONGEST_QUESTION, LONGEST_OPTION = 200, 60
NO_ANSWER = "The run came to no result that answers this question; reveal the votes without one."


def phrase(text: str, **values: object) -> JSON:
    """Returns a sentence of the language tables with its values, for whoever says it in their language."""
    return {"text": text, "values": values}


@dataclass
class Poll:
    """One question to the room. It is open for votes, then closed while the run plays, then revealed."""

    kind: str
    question: JSON
    options: list[JSON]
    bounds: list[float] = field(default_factory=list)
    right: list[int] | None = None
    """The options that came true; None as long as nobody knows, and where nobody can."""
    outcome: JSON = None
    """One sentence on what came out."""
    votes: dict[str, int] = field(default_factory=dict)
    state: str = "open"
    about: str = ""
    """The name of the set-up that the question is about."""
    setups: list[JSON] = field(default_factory=list)
    """What the server plays once the votes are in: one experiment, the lanes of a race, or nothing."""
    played: list[str] = field(default_factory=list)
    """The runs that it became, in the order of the lanes."""
    race: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(4))

    def vote(self, person: str, option: Any) -> None:
        """Takes the vote of a person in the place of an earlier one. Raises `Refused`."""
        if self.state != "open":
            raise Refused(say("The vote is closed."))
        if type(option) is not int or not 0 <= option < len(self.options):
            raise Refused(say("There is no such option; choose one of those on the screen."))
        self.votes[person] = option

    def close(self) -> None:
        """Ends the voting; to close twice changes nothing."""
        self.state = "closed" if self.state == "open" else self.state

    def reveal(self, right: Sequence[int] | None, outcome: JSON = None) -> None:
        """Shows the votes beside the options that came true; None keeps those that the host named when asking."""
        self.right = self.right if right is None else list(right)
        self.outcome, self.state = outcome, "revealed"

    def common(self) -> JSON:
        """Returns what everybody may see of it: before the reveal only how many have voted."""
        open_now = {
            "game": "poll", "id": self.id, "kind": self.kind, "state": self.state, "question": self.question,
            "options": self.options, "about": self.about, "voted": len(self.votes), "plays": bool(self.setups),
            "race": self.race, "played": self.played,
        }  # fmt: skip
        if self.state != "revealed":
            return open_now
        counts = [sum(vote == option for vote in self.votes.values()) for option in range(len(self.options))]
        return open_now | {"counts": counts, "right": self.right, "outcome": self.outcome}

    def own(self, asker: str | None) -> JSON:
        """Returns what one person alone may see of it: their own vote."""
        return {"id": self.id, "mine": self.votes.get(asker) if asker else None}

    def points(self) -> dict[str, bool | None]:
        """Returns for each person who voted whether they were right; None where nobody can be."""
        return {person: None if self.right is None else vote in self.right for person, vote in self.votes.items()}


def ask_room(
    kind: Any,
    *,
    question: Any = None,
    options: Any = None,
    bounds: Any = None,
    right: Any = None,
    lanes: Sequence[str] = (),
) -> Poll:
    """Returns a new poll. `lanes` are the names of what a race compares. Raises `Refused`.

    `options` and `right`, the number of the right one or None, belong to an own question; `bounds` to seconds.
    """
    if not isinstance(kind, str) or kind not in QUESTIONS:
        raise Refused(say("Ask one of {kinds}, not {kind}.", kinds=", ".join(QUESTIONS), kind=quoted(kind)))
    words = phrase(QUESTIONS[kind])
    if kind == "own" or question:
        words = phrase(read_line(question, LONGEST_QUESTION, say("A question")))
    if kind == "own":
        chosen = clean_options(options)
        return Poll(kind, words, chosen, right=check_right(right, len(chosen)))
    if kind in COMPARES:
        if not FEWEST_OPTIONS <= len(lanes) <= MOST_OPTIONS:
            raise Refused(say("This question compares the lanes of a race of two to eight; choose a race."))
        rest = [phrase("None of them")] * (kind == "first")
        return Poll(kind, words, [*(phrase(lane) for lane in lanes), *rest])
    if kind == "seconds":
        at = clean_bounds(bounds)
        return Poll(kind, words, name_spans(at), at)
    return Poll(kind, words, [phrase("It leaks"), phrase("It stays hidden")])


def read_line(text: Any, most: int, name: str) -> str:
    """Returns a text on one line with something in it. Raises `Refused`."""
    line = " ".join(text.split()) if isinstance(text, str) else ""
    if not line:
        raise Refused(say("{name} must be a text of 1 to {most} characters.", name=name, most=most))
    return string(line, None, most, name)


def clean_options(options: Any) -> list[JSON]:
    """Returns the options that a host has written. Raises `Refused` unless there are two to eight different ones."""
    listed = options if isinstance(options, list) else []
    found = list(dict.fromkeys(read_line(option, LONGEST_OPTION, say("An option")) for option in listed))
    if len(found) != len(listed) or not FEWEST_OPTIONS <= len(found) <= MOST_OPTIONS:
        raise Refused(say("A question needs two to eight options, no two of them the same."))
    return [phrase(option) for option in found]


def check_right(right: Any, options: int) -> list[int] | None:
    """Returns the right option as a list; None if the host names none. Raises `Refused`."""
    if right is None:
        return None
    if type(right) is not int or not 0 <= right < options:
        raise Refused(say("There is no such option; choose one of those on the screen."))
    return [right]


def clean_bounds(bounds: Any) -> list[float]:
    """Returns the seconds that part the options, in rising order. Raises `Refused`."""
    given = USUAL_BOUNDS if bounds is None else bounds
    listed = given if isinstance(given, (list, tuple)) else []
    found = [number(bound, 0.1, 3600, say("A number of seconds")) for bound in listed]
    if not found or len(found) > MOST_OPTIONS - 2 or any(a >= b for a, b in pairwise(found)):
        raise Refused(say("Name one to six numbers of seconds, each larger than the one before."))
    return found


def name_spans(bounds: Sequence[float]) -> list[JSON]:
    """Returns the options of the seconds: before the first bound, between two, after the last, and never."""
    texts = [f"{bound:g}" for bound in bounds]
    between = [phrase("{low} to {high} s", low=a, high=b) for a, b in pairwise(texts)]
    first, last = phrase("Under {bound} s", bound=texts[0]), phrase("{bound} s or later", bound=texts[-1])
    return [first, *between, last, phrase("Never")]


def judge_poll(poll: Poll, results: Sequence[Any], by: str = "iterations") -> tuple[list[int], JSON]:
    """Returns the options that came true by the results of the runs, in the order of the lanes, and a sentence.

    A result is None for a run that came to none. `by` is the clock of a race. Raises `Refused` where the runs do not
    answer the question.
    """
    told = [result for result in results if tells(result)]
    if not told or (poll.kind not in COMPARES and len(results) != 1):
        raise Refused(say(NO_ANSWER))
    if poll.kind == "hides":
        return judge_hiding(poll, results)
    if poll.kind == "first":
        return judge_speed(poll, results, "iterations" if by == "iterations" else "seconds")
    seconds = told[0]["seconds_to_recognisable"]
    hidden = phrase("The picture was never recognisable.")
    outcome = hidden if seconds is None else phrase("Recognisable after {seconds} s.", seconds=f"{seconds:.1f}")
    if poll.kind == "leaks":
        return [int(seconds is None)], outcome
    span = len(poll.options) - 1 if seconds is None else sum(seconds >= bound for bound in poll.bounds)
    return [span], outcome


def tells(result: Any) -> bool:
    """Returns whether a run has said what became of its picture: one that was stopped before it showed has not."""
    if not isinstance(result, Mapping) or "seconds_to_recognisable" not in result:
        return False
    return not was_stopped(result) or result["seconds_to_recognisable"] is not None


def was_stopped(result: Any) -> bool:
    return isinstance(result, Mapping) and result.get("status") == "stopped"


def judge_hiding(poll: Poll, results: Sequence[Any]) -> tuple[list[int], JSON]:
    """Returns the lanes whose clearest guess was least like the picture, as it is written, and a sentence.

    Raises `Refused` where one of them was stopped, since a clearer guess might have followed.
    """
    likeness = {lane: show_best(result) for lane, result in enumerate(results) if tells(result) or was_stopped(result)}
    least = min(likeness.values(), key=float)
    best = [lane for lane, shown in likeness.items() if shown == least]
    if any(was_stopped(results[lane]) for lane in best):
        raise Refused(say(NO_ANSWER))
    lanes = name_lanes_of(poll, best)
    return best, phrase("{lanes}: likeness {likeness} at its clearest.", lanes=lanes, likeness=least)


def show_best(result: Mapping[str, Any]) -> str:
    """Returns the likeness of the clearest guess of a run as it is written anywhere else."""
    seen = (result.get("clearest") or {}).get("likeness"), (result.get("metrics") or {}).get("likeness")
    return write_likeness(max((one for one in seen if one is not None), default=0.0))


def judge_speed(poll: Poll, results: Sequence[Any], unit: str) -> tuple[list[int], JSON]:
    """Returns the lanes that were recognisable first by the clock of the race, and a sentence.

    Raises `Refused` where a lane was stopped before that, since it might have been the first.
    """
    field_name = f"{unit}_to_recognisable"
    times = {lane: result[field_name] for lane, result in enumerate(results) if tells(result)}
    known = {lane: round(time, 1) for lane, time in times.items() if time is not None and math.isfinite(time)}
    stopped = [result[unit] for result in results if was_stopped(result) and not tells(result)]
    if min(stopped, default=math.inf) < min(known.values(), default=math.inf):
        raise Refused(say(NO_ANSWER))
    if not known:
        return [len(poll.options) - 1], phrase("The picture was never recognisable.")
    first = min(known.values())
    best = [lane for lane, time in known.items() if time == first]
    lanes = name_lanes_of(poll, best)
    if unit == "seconds":
        return best, phrase("{lanes}: recognisable after {seconds} s.", lanes=lanes, seconds=f"{first:.1f}")
    return best, phrase("{lanes}: recognisable at iteration {iteration}.", lanes=lanes, iteration=f"{first:g}")


def name_lanes_of(poll: Poll, lanes: Sequence[int]) -> str:
    return "; ".join(str(poll.options[lane]["text"]) for lane in lanes)


def save_poll(poll: Poll) -> JSON:
    """Returns a poll as JSON, from which `load_poll` makes it again."""
    return asdict(poll)


def load_poll(saved: JSON) -> Poll:
    """Returns the poll that was saved."""
    return Poll(**known_fields(Poll, saved))


def known_fields(kind: Any, saved: JSON) -> dict[str, Any]:
    """Returns what was saved of a dataclass, without what another version of it has had."""
    return {one.name: saved[one.name] for one in fields(kind) if one.name in saved}
