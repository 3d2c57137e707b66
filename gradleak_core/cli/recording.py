"""Gathers the messages of a run for the files that are made of it. Imports no torch."""

from __future__ import annotations

from typing import Any

from gradleak_core.runs.export import FRAMES, choose_evenly

RunHead = dict[str, Any]


class Recording:
    """The messages of one run. With `keep` it keeps pictures too, evenly thinned."""

    def __init__(self, title: str, *, keep: bool) -> None:
        self.title, self.keep = title, keep
        self.head: RunHead = {}
        self.result: RunHead = {}
        self.truth = b""
        self.columns: dict[str, list[float | None]] = {}
        self.numbers: dict[int, RunHead] = {}
        """The labels and the metrics of each picture, by iteration."""
        self.pictures: list[tuple[int, bytes]] = []

    def add(self, head: RunHead, blob: bytes) -> None:
        """Adds a message of the run's loop."""
        if head["type"] == "started":
            self.head, self.truth = head, blob
        elif head["type"] == "frame":
            self._extend(head, blob)
        elif head["type"] == "finished":
            self.result = head["result"]

    def _extend(self, head: RunHead, blob: bytes) -> None:
        for name, values in head["curve"]["columns"].items():
            self.columns.setdefault(name, []).extend(values)
        if head["picture"] is None or not self.keep:
            return
        self.numbers[head["picture"]["iteration"]] = head["picture"]
        self.pictures.append((head["picture"]["iteration"], blob))
        if len(self.pictures) > 8 * FRAMES:
            self.pictures = self.pictures[::2]

    def choose_frames(self) -> list[tuple[RunHead, bytes]]:
        """Returns evenly chosen pictures with their numbers, the first and the last among them."""
        return [(self.numbers[iteration], picture) for iteration, picture in choose_evenly(self.pictures)]
