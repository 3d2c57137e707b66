"""The Lab inside a lesson: its set-up, run and hidden parts, which take the Lab's place while the page is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from gradleak_core.config.needs import labels_revealed
from gradleak_core.config.races import lane_names, race_title
from gradleak_core.data import class_names
from gradleak_core.languages import say
from gradleak_core.lessons.checking import set_up, set_up_lanes, teach
from gradleak_core.lessons.reading import Lesson
from gradleak_core.lessons.rules import Attempt, Doings, Judgement, attempt_of, judge, keeps_setup
from gradleak_core.types import JSON
from pages._parts import pictures, setup, teaching, texts
from pages._parts.engine import catalogue, found, found_race, usable
from pages._parts.images import unnamed
from pages._parts.lanes import race_on_show, racing
from pages._parts.live_view import live_view
from pages._parts.pipeline import pipeline
from pages._parts.problems import find_problems
from pages._parts.race import in_common, on_stage, race_view

BORROWED = ("setup", "run", "lanes", "race", "welcome", "teaching", "complaints")
"""What a tab keeps of the Lab, and what a lesson has of its own while it is open."""


def progress(name: str) -> JSON:
    """Returns what this tab has done in a lesson: the prediction, the runs, the answer, and whether it is done."""
    own = st.session_state.setdefault("lessons", {})
    return own.setdefault(name, {"predicted": None, "runs": [], "race": None, "named": {}, "done": False,
                                 "answered": None, "bench": None})  # fmt: skip


def move_to(lesson: Lesson | None) -> None:
    """Puts a lesson's set-up in the place of the one that is there, as it was left or as the lesson has it.

    None puts the Lab's back. A rerun may break in at every access to the session's state: what has begun is then gone
    on with, so that no set-up is ever half of one and half of another.
    """
    state, name = st.session_state, lesson and lesson.name
    held: JSON = state.setdefault("lesson-bench", {"open": None, "lab": {}, "moving": None})
    while held["moving"] or held["open"] != name:
        if not held["moving"]:
            now = {key: state[key] for key in BORROWED if key in state}
            kept = progress(lesson.name)["bench"] if lesson else held["lab"]
            former = progress(held["open"]) if held["open"] else None
            held["moving"] = (name, begin(lesson) if lesson and not kept else kept)
            if former:
                former["bench"] = now
            else:
                held["lab"] = now
        target, values = held["moving"]
        for key in BORROWED:
            if key in values:
                state[key] = values[key]
            else:
                state.pop(key, None)
        held["open"], held["moving"] = target, None


def open_bench(lesson: Lesson) -> None:
    """Opens a lesson's set-up, and hides and locks what the lesson does."""
    spoken = teaching.teaching().lang
    move_to(lesson)
    st.session_state["teaching"] = replace(teach(lesson), lang=spoken)


def begin(lesson: Lesson) -> dict[str, Any]:
    """Returns the state of a lesson that nobody has touched."""
    experiment = set_up(lesson, catalogue())
    return {"setup": experiment, "run": None, "lanes": [*lesson.lanes], "race": None, "welcome": False,
            "complaints": []}  # fmt: skip


def begin_again(lesson: Lesson) -> None:
    """Puts the set-up back as the lesson has it; what was done stays done."""
    st.session_state.update(begin(lesson))


def bench(lesson: Lesson, *, ready: bool) -> None:
    """Shows as much of the Lab as the lesson needs. Nothing can be run before it is `ready`."""
    experiment = setup.current()
    pipeline()
    reasons = find_problems(experiment) if ready else [say("First commit to a prediction.")]
    if lesson.lanes:
        race(lesson, experiment, reasons)
        return
    run = usable(setup.shown())
    live_view(
        experiment=experiment,
        run=setup.shown() if run and run["experiment"] == experiment else None,
        refused="\n".join(reasons) or None,
        complaint="\n".join(setup.complaints()),
        classes=class_names(experiment["images"]),
        unnamed=unnamed(experiment),
        preview=pictures.preview(experiment["images"], experiment["size"], experiment["channels"]),
        remark=texts.altered(experiment, catalogue()),
        told=labels_revealed(experiment),
        key=f"lesson:{lesson.name}",
        on_run_change=lambda: note_run(lesson),
    )


def race(lesson: Lesson, experiment: JSON, reasons: list[str]) -> None:
    """Shows the lanes of a lesson, which can be raced and not changed."""
    lanes, complaints = racing(experiment)
    shown, known = race_on_show(lanes), catalogue()
    race_view(
        race={"lanes": lanes, "names": lane_names(lanes, known), "title": race_title(lanes, known),
              "by": "iterations"},
        shown=shown and on_stage(shown),
        shared=in_common(lanes),
        refused="\n".join(reasons) or None,
        complaint="\n".join([*setup.complaints(), *complaints]),
        preview=pictures.preview(experiment["images"], experiment["size"], experiment["channels"]),
        key=f"lesson-race:{lesson.name}",
        on_race_change=lambda: note_race(lesson),
    )  # fmt: skip


def note_run(lesson: Lesson) -> None:
    """Notes a run that was started or has ended in a lesson."""
    run = st.session_state[f"lesson:{lesson.name}"]["run"]
    setup.show(run)
    kept = progress(lesson.name)["runs"]
    if run and run not in kept:
        kept.append(run)


def note_race(lesson: Lesson) -> None:
    """Notes a race that was started or has ended in a lesson."""
    race = st.session_state[f"lesson-race:{lesson.name}"]["race"]
    st.session_state.update(race=race, welcome=False)
    progress(lesson.name)["race"] = race


def attempts(lesson: Lesson) -> list[Attempt]:
    """Returns the runs of this tab that are of the lesson's set-up, but for what a student may change."""
    first, known, taught = set_up(lesson, catalogue()), catalogue(), teach(lesson)
    rows = [row for run in progress(lesson.name)["runs"] if (row := found(run)) and row["problem"] is None]
    return [attempt_of(row) for row in rows
            if keeps_setup(row["experiment"], first, known, lambda path: not taught.fixes(path))]  # fmt: skip


def raced(lesson: Lesson) -> list[Attempt]:
    """Returns the lanes of the race that was started last, if it is the lesson's."""
    stored = found_race(progress(lesson.name)["race"])
    rows = stored["lanes"] if stored else []
    same = [row["experiment"] for row in rows] == set_up_lanes(lesson, catalogue())
    return [attempt_of(row) for row in rows] if same else []


def judged(lesson: Lesson) -> Judgement:
    """Returns whether the lesson is done, which it stays, and what is still to do."""
    kept = progress(lesson.name)
    if kept["done"]:
        return Judgement(True)
    if kept["predicted"] is None:
        return Judgement(False)
    named = [(label, right) for label, right in kept["named"].values()]
    judgement = judge(lesson.deed, Doings(attempts(lesson), raced(lesson), named))
    kept["done"] = judgement.done
    return judgement
