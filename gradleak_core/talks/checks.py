"""All that can be found wrong with a talk before it is given, recordings included. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gradleak_core.config.knobs import fitting
from gradleak_core.talks.chapters import Admit, find_experiments
from gradleak_core.talks.form import minutes_of
from gradleak_core.talks.recordings import find_surprises, is_of, load_recording
from gradleak_core.types import JSON, Refused

Find = Callable[[str], "Path | None"]
"""Returns where a talk's recording of a name lies; None if it is missing."""
UNREHEARSED = "recording is missing, so nothing takes over if the run fails on the day; rehearse the talk."


def check_chapters(talk: JSON, catalogue: JSON, admit: Admit) -> list[str]:
    """Returns a sentence on each chapter whose set-up cannot be run here."""
    found = []
    for number, chapter in enumerate(talk["chapters"], 1):
        try:
            if chapter["show"] in ("run", "race"):
                find_experiments(chapter, catalogue, admit)
        except Refused as refused:
            found.append(f"Chapter {number}: setup: {refused}")
    return found


def find_warnings(talk: JSON, catalogue: JSON, admit: Admit, find: Find) -> list[str]:
    """Returns a sentence on all that may go wrong on the day, though the talk can be shown.

    These are recordings that are missing, are of another set-up or show something else than the title says, and time.
    """
    found, takes = [], minutes_of(talk)
    if takes > talk["minutes"]:
        found.append(f"The talk: its chapters take {takes:g} minutes together, and it has {talk['minutes']:g}.")
    for number, chapter in enumerate(talk["chapters"], 1):
        if chapter["show"] in ("run", "race"):
            said = judge_chapter(chapter, catalogue, admit, find)
            found += [f"Chapter {number}: {sentence}" for sentence in said]
    return found


def judge_chapter(chapter: JSON, catalogue: JSON, admit: Admit, find: Find) -> list[str]:
    """Returns what may go wrong with the run or the race of one chapter, a sentence each."""
    file = find(chapter["recording"]) if chapter["recording"] else None
    if file is None:
        return [UNREHEARSED]
    try:
        experiments = find_experiments(chapter, catalogue, admit)
        recording = load_recording(file)
    except Refused as refused:
        return [str(refused)]
    if not is_of(recording, experiments, lambda experiment: fitting(experiment, catalogue)):
        return [f"recording: {file.name} is of another set-up; rehearse the talk."]
    return find_surprises(chapter, recording)
