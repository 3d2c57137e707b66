"""Why an experiment cannot be run, said before Run is pressed."""

from __future__ import annotations

from gradleak_core.config import knobs
from gradleak_core.config.admission import check_labels
from gradleak_core.types import JSON, Refused
from pages._parts import pictures
from pages._parts.engine import catalogue, service


def find_problems(experiment: JSON) -> list[str]:
    """Returns every reason why an experiment cannot be run, but for the room that it would take."""
    unforkable = service().problem_of_fork(experiment)
    missing = [*filter(None, [*map(pictures.problem, experiment["images"]), unforkable])]
    if not missing:
        try:
            check_labels(experiment, service().folder)
        except Refused as refused:
            missing = [str(refused)]
    return [*missing, *knobs.refusals(experiment, experiment, catalogue())]
