"""What completes a lesson: rules over what a student has done. No rule knows how far a page was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradleak_core.config.links import to_query
from gradleak_core.languages import say
from gradleak_core.types import JSON
from gradleak_core.verdicts import SEEN, UNFINISHED

BY_ITSELF = ("recovered", "done", "level", "stuck", "diverged")
"""The statuses of a run that went to its end. One that was stopped proves nothing about a defence."""
STEPS_OF_SEEN = [name.replace(" ", "_") for name in list(SEEN)[1:]]


@dataclass(frozen=True)
class Deed:
    """Names what has to be done in a lesson: a rule by its name, and its settings."""

    rule: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """One run of a lesson's set-up: its experiment, how it ended, and the likeness of its guess at its clearest."""

    experiment: JSON
    status: str
    likeness: float | None

    @property
    def over(self) -> bool:
        """Returns whether the run has ended, by itself or not."""
        return self.status not in UNFINISHED


@dataclass(frozen=True)
class Doings:
    """Holds what a student has done in a lesson: runs, the runs of the race on show, and the labels that were named.

    A label that was named stands beside the right one.
    """

    runs: Sequence[Attempt] = ()
    race: Sequence[Attempt] = ()
    named: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Judgement:
    """Says whether a lesson is done and, if it is not, what is still to do after what was tried last."""

    done: bool
    said: str = ""


@dataclass(frozen=True)
class CompletionRule:
    """A way to complete a lesson: one sentence on it, its settings with their usual values, and its judge."""

    doc: str
    judge: Callable[[Doings, Mapping[str, str]], Judgement]
    settings: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)


def attempt_of(row: JSON) -> Attempt:
    """Returns the row of a run as a rule sees it."""
    result = row["result"] or {}
    metrics, clearest = result.get("metrics") or {}, result.get("clearest") or {}
    scores = [one for one in (metrics.get("likeness"), clearest.get("likeness")) if one is not None]
    return Attempt(row["experiment"], row["status"], max(scores, default=None))


def judge(deed: Deed, doings: Doings) -> Judgement:
    """Returns whether what was done completes a lesson."""
    return COMPLETION_RULES[deed.rule].judge(doings, deed.settings)


def seen_in(likeness: float | None) -> str:
    """Returns the word for what is seen at a likeness; "nothing" where there was no picture at all."""
    return [name for name, least in SEEN.items() if (likeness or 0.0) >= least][-1]


def _recognise(doings: Doings, settings: Mapping[str, str]) -> Judgement:
    least = SEEN[settings["at"].replace("_", " ")]
    ended = [run for run in doings.runs if run.over]
    if any(run.likeness is not None and run.likeness >= least for run in ended):
        return Judgement(True)
    return Judgement(False, _tell_seen(ended[-1]) if ended else "")


def _hide(doings: Doings, settings: Mapping[str, str]) -> Judgement:
    least = SEEN[settings["below"].replace("_", " ")]
    ended = [run for run in doings.runs if run.over]
    if any(run.status in BY_ITSELF and run.likeness is not None and run.likeness < least for run in ended):
        return Judgement(True)
    if not ended:
        return Judgement(False)
    if ended[-1].status not in BY_ITSELF:
        return Judgement(False, say("Let a run go to its end; one that was stopped or failed proves nothing."))
    return Judgement(False, _tell_seen(ended[-1]))


def _tell_seen(run: Attempt) -> str:
    """Says what of the picture a run showed that did not complete the lesson."""
    said = {
        "nothing": say("Not yet: nothing of the picture was to be seen in that run."),
        "outline": say("Not yet: at its clearest, that run showed the outline of the picture."),
        "recognisable": say("Not yet: at its clearest, the picture of that run was recognisable."),
        "near copy": say("Not yet: that run ended with a near copy of the picture."),
    }
    return said[seen_in(run.likeness)]


def _differ(doings: Doings, settings: Mapping[str, str]) -> Judgement:
    ended = [run.experiment for run in doings.runs if run.over]
    values = [_look_up(experiment, settings["in"]) for experiment in ended]
    if any(value != values[0] for value in values[1:]):
        return Judgement(True)
    return Judgement(False, say("One run is there. Now change it as the task says, and run it again.") if ended else "")


def _look_up(experiment: JSON, path: str) -> Any:
    for name in path.split("."):
        experiment = experiment.get(name) if isinstance(experiment, Mapping) else None
    return experiment


def _race(doings: Doings, settings: Mapping[str, str]) -> Judgement:
    if not doings.race or not all(run.over for run in doings.race):
        return Judgement(False)
    if all(run.status in BY_ITSELF for run in doings.race):
        return Judgement(True)
    return Judgement(False, say("Let every lane go to its end, and race them again."))


def _label(doings: Doings, settings: Mapping[str, str]) -> Judgement:
    if any(named == right for named, right in doings.named):
        return Judgement(True)
    return Judgement(False, say("That was not its label. Look at another update.") if doings.named else "")


COMPLETION_RULES = {
    "recognisable": CompletionRule(
        "A run shows the private picture.", _recognise, {"at": "recognisable"}, {"at": STEPS_OF_SEEN}
    ),
    "hidden": CompletionRule(
        "A run that goes to its end shows nothing of the private picture.", _hide, {"below": "outline"},
        {"below": STEPS_OF_SEEN},
    ),
    "differ": CompletionRule("Two runs end that differ in a knob.", _differ, {"in": "images"}),
    "race": CompletionRule("Every lane of the race goes to its end.", _race),
    "label": CompletionRule("The label of a private picture is named before it is shown.", _label),
}  # fmt: skip
"""The ways to complete a lesson, by their names in a header."""


def keeps_setup(experiment: JSON, lesson: JSON, catalogue: JSON, free: Callable[[str], bool]) -> bool:
    """Returns whether an experiment differs from that of the lesson only where a student is `free` to change it.

    A query names what differs by the keys of a link.
    """
    fields = {"image": "images", "label": "labels", "defence": "defences"}
    paths = [fields.get(key, key) for key in to_query(experiment, catalogue, lesson)]
    return all(free(path) for path in paths)
