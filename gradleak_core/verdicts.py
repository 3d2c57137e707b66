"""The word for each status of a run, and the verdict on a finished run in one sentence. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradleak_core.config.needs import local_steps
from gradleak_core.forecast import compare_forecast

UNFINISHED = ("queued", "running", "paused")
"""What the status of a run is until it ends."""
SEEN = {"nothing": 0.0, "outline": 0.35, "recognisable": 0.68, "near copy": 0.93}
"""The words for what a person sees of the private picture in a guess, each with the likeness that it begins at.

The likeness is the onlooker's score, which the attacker does not know.
"""
CLEAR = ("recognisable", "near copy")
"""The words for a picture that has leaked."""
VISIBLY = 0.1
"""The likeness that a guess must lose for a person to see that it has grown worse."""
RECOGNISABLE_SSIM = 0.6
"""The SSIM that stands for recognisable where no likeness was measured: in what was stored before there was one."""

HELD = "Not recognisable: the defence held against this run."
ALMOST_ZERO = "The update is almost zero"
NOT_FINITE = "The client's update is not finite"
ALL_PAUSED = "The host has paused all runs; this one goes on where it was when the host lets it."
"""What is said of every run that waits or stands still because the host of the room wants it."""
PLATEAU = (
    "Nothing has improved for {still} iterations. Press Go on within {seconds:g} s to spend the remaining {left:,}."
)
"""What is said at a plateau while the run waits for an answer."""
RUN_OFF = "its training has run off"
NOTHING_SEEN = "All that the attacker sees of the update is zero"
"""How the sentences begin that refuse an update not worth attacking; the doctor knows them by these words."""

NO_FIRST = "The run that this one goes on from is not here; leave out fork for a first guess of its own."
"""What is said of a fork without the guess that it goes on from."""


@dataclass(frozen=True)
class Word:
    """A status's word wherever it is shown, its colour as Streamlit names it, and the reason for such an end."""

    word: str
    colour: str
    reason: str = ""


STATUSES = {
    "ready": Word("Ready", "gray"),
    "loading": Word("Connecting", "gray"),
    "queued": Word("Waiting", "gray"),
    "running": Word("Running", "blue"),
    "paused": Word("Paused", "orange"),
    "recovered": Word("Matched", "green", "the distance reached the attack's goal"),
    "certified": Word("Certified", "green", "the update recomputed from the picture is the one that was sent"),
    "done": Word("Finished", "green", "every iteration was used"),
    "level": Word("Levelled off", "green", "nothing improved any more"),
    "stuck": Word("Got nowhere", "orange", "no step lowered the gradient distance"),
    "diverged": Word("Gave up", "orange", "no guess was finite"),
    "stopped": Word("Stopped", "gray", "stopped by you; what was seen is kept"),
    "failed": Word("Failed", "red"),
    "interrupted": Word("Cut off", "orange"),
    "refused": Word("Not possible", "orange"),
    "damaged": Word("Damaged", "red"),
    "deleted": Word("Not here", "gray"),
}
"""By status; `ready`, `loading` and `deleted` are those of a view without a run."""


def word(status: str) -> str:
    """Returns the word for a status."""
    return STATUSES[status].word if status in STATUSES else status


def colour(status: str, result: Mapping[str, Any]) -> str:
    """Returns the colour of a run's status; green only with a recognisable picture that has not grown worse."""
    usual = STATUSES[status].colour if status in STATUSES else "gray"
    good = recognisable(result.get("metrics") or {}) and not faded(result)
    return "gray" if usual == "green" and not good else usual


def faded(result: Mapping[str, Any]) -> bool:
    """Returns whether the answer of a finished run is visibly worse than the best guess that was seen in it."""
    final, best = (result.get("metrics") or {}).get("likeness"), (result.get("clearest") or {}).get("likeness")
    return final is not None and best is not None and best - final > VISIBLY


def seen(metrics: Mapping[str, Any]) -> str:
    """Returns the word of `SEEN` for a guess with these scores; empty if it has none.

    Without a likeness the SSIM decides between recognisable and not recognisable.
    """
    likeness, ssim = metrics.get("likeness"), metrics.get("ssim")
    if likeness is not None:
        return [word for word, least in SEEN.items() if max(0, likeness) >= least][-1]
    if ssim is None:
        return ""
    return "recognisable" if ssim >= RECOGNISABLE_SSIM else "not recognisable"


def recognisable(metrics: Mapping[str, Any]) -> bool:
    """Returns whether a guess with these scores counts as recognisable; one without a score does not."""
    return seen(metrics) in CLEAR


def write_likeness(likeness: float) -> str:
    """Returns a likeness with two digits, rounded down where it would else reach a border that its word has not."""
    nearest = round(likeness, 2)
    same = seen({"likeness": nearest}) == seen({"likeness": likeness})
    return f"{nearest if same else nearest - 0.01:.2f}"


def nearness(metrics: Mapping[str, Any]) -> float:
    """Returns the onlooker's score as a share of the one from which a picture is recognisable; 1 or more beyond it."""
    likeness = metrics.get("likeness")
    if likeness is None:
        return float(metrics.get("ssim") or 0) / RECOGNISABLE_SSIM
    return float(likeness) / SEEN["recognisable"]


def verdict(result: Mapping[str, Any]) -> str:
    """Returns the sentence about a finished run, from its result's JSON."""
    status, since = result["status"], moment(result)
    if recognisable(result["metrics"]):
        if status == "certified":
            return f"Certified after {since}: no other picture causes the update that was sent."
        if result["experiment"].get("fork") and result["iterations_to_recognisable"] == 1:
            return f"Recognisable from the start: it goes on from a guess that was.{worse(result)}"
        scored = compare_forecast(
            result.get("forecast"), result.get("forecast_made"), result["seconds_to_recognisable"]
        )
        return f"Recognisable after {since}{scored}.{worse(result)}"
    if since:
        return f"Recognisable after {since}, but the answer at the end is not."
    if leaked := leaked_labels(result):
        return leaked + glimpse(result)
    if status in ("done", "level"):
        if result["experiment"]["defences"]:
            outcome = "Only an outline came through the defence." if outlined(result) else HELD
            return outcome + glimpse(result)
        outcome = "Only an outline came through" if outlined(result) else "Not recognisable"
        if outnumbered(result.get("evidence") or {}):
            return f"{outcome}: the update holds too few numbers."
        return f"{outcome}: try more iterations, another attack or another seed."
    return {
        "recovered": "Not recognisable, although the gradients match: other pictures cause the same update.",
        "certified": "Certified: the client trained on this picture, which a defence had made of the private one.",
        "stuck": f"No step ever brought a guess closer to the update; {advice(result['experiment'])}.",
        "diverged": f"No finite guess is left; {advice(result['experiment'])}.",
        "stopped": "Stopped before the picture was recognisable; what was seen is kept.",
    }[status]


def outnumbered(evidence: Mapping[str, Any]) -> bool:
    """Returns whether the pictures have more pixels than the update holds independent numbers; not if unmeasured."""
    return bool(evidence.get("numbers", float("inf")) < evidence.get("pixels", 0))


def worse(result: Mapping[str, Any]) -> str:
    """Says that the guess has grown worse, and since when; empty if it has not."""
    if not faded(result):
        return ""
    return f" It was clearest at iteration {result['clearest']['iteration']:,} and has grown worse since."


def glimpse(result: Mapping[str, Any]) -> str:
    """Says that an outline showed more clearly than at the end, and when; empty if none did."""
    if not faded(result) or seen(result["clearest"]) != "outline":
        return ""
    if outlined(result):
        return worse(result)
    return f" An outline showed at iteration {result['clearest']['iteration']:,}, and faded."


def outlined(result: Mapping[str, Any]) -> bool:
    """Returns whether the answer shows an outline of the picture, and no more."""
    return seen(result["metrics"]) == "outline"


def moment(result: Mapping[str, Any]) -> str:
    """Returns when the guess was first seen to be recognisable; empty if it never was."""
    seconds, iterations = result["seconds_to_recognisable"], result["iterations_to_recognisable"]
    if seconds is None:
        return ""
    return f"{duration(seconds)} ({iterations:,} iteration{'s' * (iterations != 1)})"


def leaked_labels(result: Mapping[str, Any]) -> str:
    """Says that the attacker read the labels off an update that did not give the pictures away; empty otherwise.

    Labels that it was told have not leaked, and one that it guessed together with the picture may be right by chance.
    """
    experiment = result["experiment"]
    rule = experiment["attack"].get("labels", {}).get("kind")
    read = result["metrics"].get("label_accuracy") == 1 and rule not in (None, "known_labels", "optimised_labels")
    if not read or result["status"] == "stopped":
        return ""
    if len(experiment["images"]) == 1:
        hidden = "Only an outline came through" if outlined(result) else "The picture stayed hidden"
        return f"{hidden}, but its label leaked."
    hidden = "Only outlines came through" if outlined(result) else "The pictures stayed hidden"
    return f"{hidden}, but their labels leaked."


def advice(experiment: Mapping[str, Any]) -> str:
    """Returns what to change when guesses lead nowhere.

    The attacker repeats the client's local steps, which diverge if the learning rate is too large.
    """
    if local_steps(experiment) > 1:
        return f"lower the client's learning rate, which is {experiment['client']['lr']:g}, or try another attack"
    return "try another attack, another seed or a smaller step size"


def duration(seconds: float) -> str:
    """Returns a length of time in short words: 0.8 s, 12 s, 3 min 5 s."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def place_in_line(place: int, wait: float | None) -> str:
    """Says the place of a run that waits, 1 being next, and the seconds that it may wait there unless None."""
    ending = "th" if 10 < place % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    said = "next in line" if place == 1 else f"{place}{ending} in line"
    return said if wait is None else f"{said}, about {about(wait)}"


def about(seconds: float) -> str:
    """Returns a length of time that is not known exactly: 40 s, 5 min, 7 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:,.0f} h"
