"""`talk rehearse`: plays the runs and races of a talk by the worker's loop, and keeps a recording of each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gradleak_core import experiment as engine
from gradleak_core.catalogue import catalogue
from gradleak_core.cli import choose
from gradleak_core.cli.attack import FAILED, INTERRUPTED, check_writable, put_device_first
from gradleak_core.cli.race import play
from gradleak_core.cli.talk_check import finder, read_talk_bytes
from gradleak_core.config import demand
from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import fitting
from gradleak_core.config.races import lane_names
from gradleak_core.data.files import write_whole
from gradleak_core.runs.exports.raced import record_race
from gradleak_core.runs.worker import warm_up
from gradleak_core.talks.chapters import BY, find_experiments
from gradleak_core.talks.form import parse_talk, write_talk
from gradleak_core.talks.recordings import (
    dump_recording,
    find_surprises,
    is_of,
    lanes_of,
    load_recording,
    name_recording,
    slim_recording,
    word_of,
)
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import duration


@dataclass
class Rehearsal:
    """A rehearsal of the talk in a file."""

    file: Path
    fresh: bool
    pictures: int
    device: str | None
    quiet: bool
    out: Console
    err: Console

    def play(self) -> int:
        """Plays every chapter that has to be recorded, says what came of each, and returns the exit code.

        Raises `Refused`.
        """
        self.known = catalogue()
        self.place = choose.find_device(self.device, self.known)
        self.talk, self.warm = parse_talk(read_talk_bytes(self.file)), False
        check_writable(self.file)
        self.say(f"{self.talk['title']}:")
        codes = []
        for number, chapter in enumerate(self.talk["chapters"], 1):
            if chapter["show"] in ("run", "race"):
                codes.append(self.play_chapter(number, chapter))
            if INTERRUPTED in codes:
                break
        return max(codes, default=0)

    def play_chapter(self, number: int, chapter: JSON) -> int:
        """Plays a chapter unless it has been recorded, keeps its recording, and returns the exit code."""
        try:
            experiments = find_experiments(chapter, self.known, lambda experiment: admit(experiment, self.known))
        except Refused as refused:
            raise Refused(f"Chapter {number}: setup: {refused}") from refused
        if (kept := self.find_kept(chapter, experiments)) is not None:
            self.report(number, chapter, kept, "recorded before")
            return 0
        begun = time.monotonic()
        recording, failures = self.record(chapter, experiments)
        if recording is None:
            self.say("Stopped; the chapters before this one are recorded.")
            return INTERRUPTED
        for failure in failures:
            self.say(f"Chapter {number}: {failure}", "red")
        if failures:
            return FAILED
        taken = [one["recording"] for one in self.talk["chapters"]]
        chapter["recording"] = name_recording(chapter, number, taken)
        write_whole(self.file.parent / chapter["recording"], dump_recording(recording))
        write_whole(self.file, write_talk(self.talk).encode())
        self.report(number, chapter, recording, duration(time.monotonic() - begun))
        return 0

    def find_kept(self, chapter: JSON, experiments: list[JSON]) -> JSON | None:
        """Returns the recording of a chapter if it has one of its set-up and none is to be made afresh."""
        place = finder(self.file)(chapter["recording"]) if chapter["recording"] else None
        if self.fresh or place is None:
            return None
        try:
            kept = load_recording(place)
        except Refused:
            return None
        return kept if is_of(kept, experiments, lambda one: fitting(one, self.known)) else None

    def record(self, chapter: JSON, experiments: list[JSON]) -> tuple[JSON | None, list[str]]:
        """Plays a run or the lanes of a race, and returns the recording and why lanes failed; none if stopped."""
        demand.check_memory(experiments[0], put_device_first(self.place, self.known), *experiments[1:])
        if not self.warm:
            warm_up(engine, self.known, self.place)
            self.warm = True
        names = lane_names(experiments, self.known) if len(experiments) > 1 else [chapter["title"]]
        screens = play(experiments, names, BY, self.place, self.quiet, self.err, keep=True)
        if any(screen.controls.stopped for screen in screens):
            return None, []
        if failures := [screen.failure for screen in screens if screen.failure]:
            return {}, failures
        recordings = [screen.recorded() for screen in screens]
        head = {"title": chapter["title"], "by": BY, "names": names}
        whole = record_race(head, experiments, recordings, self.known) if names[1:] else recordings[0]
        return slim_recording(whole, chapter["title"], self.pictures), []

    def report(self, number: int, chapter: JSON, recording: JSON, took: str) -> None:
        """Prints what came of a chapter, and what of it the audience would not expect."""
        words = ", ".join(word_of(lane) for lane in lanes_of(recording))
        self.say(f"  {number:2} {chapter['title']}: {took}; {words}.")
        for sentence in find_surprises(chapter, recording):
            self.say(f"     Chapter {number}: {sentence}", "yellow")

    def say(self, sentence: str, style: str = "") -> None:
        """Prints a sentence on a line of its own."""
        self.out.print(sentence, style=style, highlight=False, markup=False, soft_wrap=True)
