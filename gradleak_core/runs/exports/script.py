"""A run as a Python script that repeats it. Imports no torch."""

from __future__ import annotations

import pprint

from gradleak_core.runs.exports.recorded import Recorded
from gradleak_core.types import Refused

TEMPLATE = '''"""Repeats a run of GradLeak and says whether it ends in the same numbers.

Put it into the folder of a GradLeak checkout and run it there, with the packages of requirements.txt: python repeat.py
A picture that was uploaded must still be in the data folder, which GRADLEAK_DATA names.
"""

import math
import time

from gradleak_core import experiment
from gradleak_core.types import Frame, Refused
from gradleak_core.verdicts import seen

TITLE = {title}
DEVICE = {device}
ITERATIONS = {iterations}  # after which the run was stopped; None where it ended by itself
FOUND = {found}
SETUP = {setup}


def repeat():
    """Plays the run and returns its result."""
    chosen = experiment.load(SETUP)
    result, begun = experiment.Summary(chosen, DEVICE), time.perf_counter()
    for event in experiment.run(chosen, device=DEVICE, due=lambda iteration: iteration == ITERATIONS):
        result.add(event, time.perf_counter() - begun)
        if isinstance(event, Frame) and event.iteration == ITERATIONS:
            break
    return result.json()


if __name__ == "__main__":
    print(TITLE)
    try:
        result = repeat()
    except Refused as refused:
        raise SystemExit(str(refused))
    finite = {{name: value for name, value in result["metrics"].items() if math.isfinite(value)}}
    metrics = {{name: float(f"{{value:.5g}}") for name, value in finite.items()}}
    print(f"After {{result['iterations']:,}} iterations a person sees: {{seen(metrics)}}.")
    if since := result["iterations_to_recognisable"]:
        print(f"The picture was first recognisable at iteration {{since:,}}.")
    print(metrics)
    if FOUND:
        print("The same numbers as before." if metrics == FOUND else f"Before, it was {{FOUND}}.")
'''
FORKED = "This run goes on from the guess of another one, which only the server has, so no script can repeat it alone."
NO_SETUP = "This run has no set-up that can be read, so nothing can repeat it."


def write_script(recorded: Recorded) -> str:
    """Returns the script. Raises `Refused` for a run whose set-up cannot be read."""
    if not recorded.experiment:
        raise Refused(NO_SETUP)
    if recorded.experiment.get("fork"):
        raise Refused(FORKED)
    result = recorded.result
    stopped, metrics = result.get("status") == "stopped", result.get("metrics") or {}
    return TEMPLATE.format(
        title=repr(recorded.title),
        device=repr(str(result.get("device") or "cpu")),
        iterations=result.get("iterations") if stopped else None,
        found=pprint.pformat({k: v for k, v in metrics.items() if v is not None}, width=110, sort_dicts=False),
        setup=pprint.pformat(recorded.experiment, width=110, sort_dicts=False),
    )
