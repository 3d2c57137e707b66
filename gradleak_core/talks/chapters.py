"""What a chapter shows, resolved: the experiment of a run, the lanes of a race. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote, urlencode

from gradleak_core.config.links import from_query, to_query
from gradleak_core.config.races import check_lanes, lane_names, lane_text, read_lane
from gradleak_core.talks.form import parse_setup
from gradleak_core.types import JSON, Refused

Admit = Callable[[JSON], JSON]
"""Returns a whole experiment that may be run. Raises `Refused`."""
BY = "iterations"
"""The clock that the lanes of a chapter's race have in common."""


def find_experiments(chapter: JSON, catalogue: JSON, admit: Admit) -> list[JSON]:
    """Returns the experiment of a run, or those of a race, as a chapter's link names them. Raises `Refused`."""
    query, lanes = parse_setup(chapter["setup"])
    first = from_query(query, catalogue)
    experiments = [first, *(read_lane(text, first, catalogue) for text in lanes)]
    if len(experiments) > 1:
        check_lanes(experiments)
    return [admit(experiment) for experiment in experiments]


def resolve_chapter(chapter: JSON, catalogue: JSON, admit: Admit) -> JSON:
    """Returns a chapter with the `experiment` of its run, or with `lanes`, their `names` and `by` of its race.

    Its `problem` is a sentence where the set-up cannot be run here, else None.
    """
    whole = chapter | {"problem": None}
    if chapter["show"] not in ("run", "race"):
        return whole
    try:
        experiments = find_experiments(chapter, catalogue, admit)
    except Refused as refused:
        return whole | {"problem": f"setup: {refused}"}
    if chapter["show"] == "run":
        return whole | {"experiment": experiments[0]}
    return whole | {"lanes": experiments, "names": lane_names(experiments, catalogue), "by": BY}


def write_setup(experiments: Sequence[JSON], catalogue: JSON) -> str:
    """Returns the link of a run's experiment, or of a race's, as `find_experiments` reads it."""
    first, *others = experiments
    query = dict(to_query(first, catalogue)) | {"lane": [lane_text(lane, first, catalogue) for lane in others]}
    return urlencode(query, doseq=True, safe=":,=/", quote_via=quote)
