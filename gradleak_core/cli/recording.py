"""Gathers the messages of a run for the files that are made of it. Imports no torch."""

from __future__ import annotations

from gradleak_core.runs.exports.recorded import MOST_FRAMES, choose_iterations
from gradleak_core.runs.protocol import Head, finite
from gradleak_core.runs.recording import data_url


class Recording:
    """The messages of one run. With `keep` it keeps pictures too, evenly thinned."""

    def __init__(self, title: str, *, keep: bool) -> None:
        self.title, self.keep = title, keep
        self.head: Head = {}
        self.result: Head = {}
        self.truth = b""
        self.columns: dict[str, list[float | None]] = {}
        self.numbers: dict[int, Head] = {}
        """The numbers of each picture, by iteration."""
        self.pictures: dict[int, bytes] = {}

    def add(self, head: Head, blob: bytes) -> None:
        """Adds a message of the run's loop."""
        if head["type"] == "started":
            self.head, self.truth = head, blob
        elif head["type"] == "frame":
            self._extend(head, blob)
        elif head["type"] == "finished":
            self.result = head["result"]

    def _extend(self, head: Head, blob: bytes) -> None:
        for name, values in head["curve"]["columns"].items():
            self.columns.setdefault(name, []).extend(values)
        if head["picture"] is None or not self.keep:
            return
        self.numbers[head["picture"]["iteration"]] = head["picture"] | {"seconds": head["seconds"]}
        self.pictures[head["picture"]["iteration"]] = blob
        if len(self.pictures) > 2 * MOST_FRAMES:
            self._thin()

    def _thin(self) -> None:
        chosen = choose_iterations([self.numbers[iteration] for iteration in self.pictures], MOST_FRAMES)
        self.pictures = {iteration: self.pictures[iteration] for iteration in chosen}

    def to_json(self) -> Head:
        """Returns the recording as `runs.recording.make_recording` makes it of a stored run."""
        self._thin()
        frames = [
            numbers | {"picture": data_url(self.pictures[iteration]) if iteration in self.pictures else None}
            for iteration, numbers in self.numbers.items()
        ]
        value: Head = finite({
            "title": self.title, "experiment": self.result.get("experiment"), "result": self.result, "head": self.head,
            "curve": {"first": 1, "columns": self.columns}, "frames": frames, "truth": data_url(self.truth),
        })  # fmt: skip
        return value
