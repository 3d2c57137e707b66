"""What a run came to, in one sentence for whoever watched it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradleak_core.config.needs import local_steps

RECOGNISABLE = 0.6
"""The SSIM from which a guess counts as recognisable: the onlooker's score, which the attacker does not know."""


def verdict(result: Mapping[str, Any]) -> str:
    """Returns the sentence about a finished run, from its result's JSON."""
    status, ssim = result["status"], result["metrics"].get("ssim")
    since = moment(result)
    if ssim is not None and ssim >= RECOGNISABLE:
        return f"Recognisable after {since}."
    if since:
        return f"Recognisable after {since}, but the answer at the end is not."
    if status == "done":
        return unrecognised(result["experiment"])
    return {
        "recovered": "Not recognisable, although the update is matched: other pictures cause the same one.",
        "stuck": f"No step ever brought a guess closer to the update; {advice(result['experiment'])}.",
        "diverged": f"No finite guess is left; {advice(result['experiment'])}.",
        "stopped": "Stopped before the SSIM reached 0.6, from where a picture is recognisable; what was seen is kept.",
    }[status]


def moment(result: Mapping[str, Any]) -> str:
    """Returns when the guess was first seen to be recognisable; empty if it never was."""
    seconds, iterations = result["seconds_to_recognisable"], result["iterations_to_recognisable"]
    if seconds is None:
        return ""
    return f"{duration(seconds)}, {iterations:,} iteration{'s' * (iterations != 1)}"


def unrecognised(experiment: Mapping[str, Any]) -> str:
    """Returns what a run means that used every iteration and whose picture never was recognisable."""
    if experiment["defences"]:
        return "Not recognisable: the defence held against this run."
    return "Not recognisable: try more iterations, another attack or seed."


def advice(experiment: Mapping[str, Any]) -> str:
    """Returns what to change where guesses lead nowhere. The attacker repeats the client's local steps, which run off
    where the learning rate is too large.
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
