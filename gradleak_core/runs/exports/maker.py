"""Makes exports for the server in processes of their own: one at a time, and none for over two minutes. No torch."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Any

from gradleak_core.data.decoder import Busy
from gradleak_core.runs.exports.recorded import MOST_FRAMES, choose_iterations
from gradleak_core.runs.hub import Trace
from gradleak_core.runs.processes import process_environment
from gradleak_core.runs.protocol import encode
from gradleak_core.runs.recording import make_recording
from gradleak_core.runs.rows import take_threads
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused

SECONDS_TO_MAKE = 120.0
"""The seconds that one file may take, on a busy machine."""
WAITING = 6
"""The most files that are made or waited for at a time."""
FOR_ONE = 2
"""The most of these for one person, where people are told apart."""
EXPORTER = "gradleak_core.runs.exports"
"""The program that makes the files of runs and races."""
MADE, REFUSED = b"+", b"-"
"""The first byte of an answer: a file follows, or the sentence that says why there is none."""
FAILED_EXPORT = "This file could not be made, or takes too long; take another kind, or the zip file."
export_log = logging.getLogger("gradleak.exports")


class Maker:
    """A maker of exports, one at a time, that turns away what is too much. May be used from any thread."""

    def __init__(self) -> None:
        self._asked: list[str | None] = []
        """For whom files are made or waited for."""
        self._places = threading.Lock()
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def export(
        self, kind: str, row: Any, trace: Trace, store: Store, titles: dict[str, str], person: str | None = None
    ) -> bytes:
        """Returns a stored run as a file of a kind, with at most 300 of its pictures. Raises as `make` does.

        `titles` are those of parts, by their kinds.
        """
        row["experiment"] = take_threads(row["experiment"], row["result"])
        chosen = choose_iterations(trace.frames, MOST_FRAMES)
        recording = encode(make_recording(row, trace, store, chosen) | {"titles": titles})
        return self.make(kind, recording, row["id"], person)

    def make(
        self, kind: str, recording: bytes, about: str, person: str | None = None, program: str = EXPORTER
    ) -> bytes:
        """Returns the file of a kind, which a program makes of a recording's JSON, or of a talk's.

        A line of the log names what it is `about`: a run, the runs of a race, or a talk. `person` is who asks, None
        where people are not told apart. Raises `Refused`, or `Busy` when many are waiting, or two of the same person.
        """
        with self._places:
            if len(self._asked) >= WAITING:
                raise Busy(f"{WAITING} files are being made already; try again in a minute.")
            if person is not None and self._asked.count(person) >= FOR_ONE:
                raise Busy(f"{FOR_ONE} files are being made for you already; take another once one of them is there.")
            self._asked.append(person)
        try:
            with self._turn:
                said = self._ask(program, kind, recording, about)
        finally:
            with self._places:
                self._asked.remove(person)
        if said[:1] != MADE:
            raise Refused(said[1:].decode() or FAILED_EXPORT)
        return said[1:]

    def close(self) -> None:
        """Ends the process that makes a file at the moment, if any."""
        if process := self._process:
            process.kill()

    def _ask(self, program: str, kind: str, recording: bytes, about: str) -> bytes:
        command = [sys.executable, "-W", "ignore", "-m", program, kind]
        try:
            self._process = process = subprocess.Popen(
                command, env=process_environment({}), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:  # too many processes, or no memory for one more
            raise Busy("The server cannot make files right now; try again in a few seconds.") from error
        with process:
            try:
                said, printed = process.communicate(recording, SECONDS_TO_MAKE)
            except subprocess.TimeoutExpired as error:
                process.kill()
                export_log.warning("A %s took too long to be made.", kind, extra={"run": about})
                raise Refused(FAILED_EXPORT) from error
            finally:
                self._process = None
        if process.returncode:
            why = f"The process that made a {kind} ended with code {process.returncode}."
            export_log.warning("%s\n%s", why, printed.decode(errors="replace").rstrip(), extra={"run": about})
            raise Refused(FAILED_EXPORT)
        return said
