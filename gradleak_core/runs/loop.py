"""One run inside the worker: the engine's events in, protocol messages out. `turns.py` plays several at once."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradleak_core.data import data_folder
from gradleak_core.data.datasets import DATASETS, parse_dataset
from gradleak_core.data.downloads import read_item
from gradleak_core.data.pixels import from_strip, to_strip
from gradleak_core.runs.checkpoints import Checkpoints, read_checkpoint
from gradleak_core.runs.controls import Controls
from gradleak_core.runs.losses import Curve
from gradleak_core.runs.pulse import EARLY_FRAMES, Pulse
from gradleak_core.types import Checkpoint, Finished, FirstGuess, Frame, Note, Plateau, Progress, Started
from gradleak_core.verdicts import ALL_PAUSED, PLATEAU

NOTES = 0.5
"""The fewest seconds between two notes on what the run waits for."""

Send = Callable[..., None]
Say = Callable[[str, "float | None"], None]


class Stopped(Exception):
    """An error that ends a run which was stopped before its first iteration."""


class Run:
    """One run: an experiment that is played to its end, or until it is stopped.

    `engine` is `gradleak_core.experiment`, or a stand-in with its `load`, `run`, `secret`, `floor` and `Summary`.
    """

    def __init__(
        self,
        engine: Any,
        run: str,
        device: str,
        controls: Controls,
        send: Send,
        start: Any = None,
        left: bytes | None = None,
    ) -> None:
        self.engine, self.run, self.device, self.controls, self.send = engine, run, device, controls, send
        self.start = start
        """The guess to go on from, as `forks.find_start` gives it."""
        self.left = read_checkpoint(left, device) if left else None
        """What another worker has written down of this run."""
        self.checkpoints = Checkpoints(controls, send)
        self.wanted = self.started = False
        self.told = ""
        """The reason why the run stands still, `paused` or `held`, once it has said so."""
        self.floor: dict[str, Any] = {}
        self.iteration = self.threads = 0
        self.pulse = Pulse()
        self.begun = time.perf_counter()
        self.spent = 0.0
        """The seconds of computing up to the end of the last turn."""
        self.away = 0.0
        """The seconds since `begun` in which this run had no turn."""
        self.next_frame = self.next_note = 0.0
        self.asked = 0.0

    def play(self, experiment_json: Any) -> None:
        """Plays an experiment: sends `started`, frames, states and `finished`. Raises what the engine raises."""
        for _ in self.turns(experiment_json):
            if self.waiting:
                self.controls.hold(self.told)

    def turns(self, experiment_json: Any) -> Iterator[None]:
        """Plays an experiment and yields after every event, so that others can have a turn. Raises as `play` does."""
        experiment = self.engine.load(experiment_json | ({"threads": self.left["threads"]} if self.left else {}))
        summary = self.engine.Summary(experiment, self.device)
        try:
            fetch_datasets(experiment_json.get("images", []), self.note)
        except Stopped:
            self.finish(summary, "stopped")
            return
        secret = self.engine.secret(experiment)
        self.floor = self.engine.floor(experiment, secret)
        self.begun = time.perf_counter()
        events = self.engine.run(experiment, device=self.device, due=self.due, **self.beginning())
        curve, status = Curve(()), "stopped"
        for event in events:
            summary.add(event, self.seconds)
            if isinstance(event, Progress):
                curve.add(event)
                self.iteration = event.iteration
                self.wanted = self.controls.tick()
            elif isinstance(event, Frame):
                self.show(event, curve, summary.forecast.seconds)
                yield from self.rest()
                if self.controls.stopped or self.controls.leaving_at_once:
                    break
            elif isinstance(event, Plateau):
                event.ends = not self.ask(event)
            elif isinstance(event, Checkpoint):
                if self.checkpoints.due:
                    self.write_down(event, summary, curve)
                if self.controls.leaving:
                    break
            elif isinstance(event, Note):
                if self.controls.stopped:
                    break
                yield from self.wait(event)
            elif isinstance(event, Started):
                curve, self.started, self.threads = Curve(event.losses), True, event.threads
                self.take_up(summary, curve)
                self.announce(event, secret)
            elif isinstance(event, Finished):
                status = event.status
            yield from self.pass_turn()
        events.close()
        self.send_curve(curve)
        if status == "stopped" and self.controls.leaving:
            self.send({"type": "yielded", "run": self.run})
        else:
            self.finish(summary, status)

    def beginning(self) -> dict[str, Any]:
        """Returns the argument for the engine that says where the run begins; none for its own first guess."""
        if self.left:
            return {"begin": self.left["search"]}
        return {"begin": read_first_guess(self.start)} if self.start else {}

    def take_up(self, summary: Any, curve: Curve) -> None:
        """Gives a run that was left the numbers that it had then, once its attack has started."""
        if self.left:
            summary.resume(self.left["summary"])
            curve.first, curve.lowest = self.left["curve"]
            self.iteration = self.left["search"]["iteration"]
            self.controls.take_up(self.iteration)
            self.begun, self.away = time.perf_counter() - self.left["seconds"], 0.0

    def write_down(self, event: Checkpoint, summary: Any, curve: Curve) -> None:
        """Sends the curve so far, and all that another worker needs to take the run up here."""
        self.send_curve(curve)
        numbers = {"summary": summary.save(), "curve": (curve.first, curve.lowest)}
        self.checkpoints.write(self.run, event, numbers | {"seconds": self.seconds, "threads": self.threads})

    def send_curve(self, curve: Curve) -> None:
        """Sends the iterations since the last frame, if there are any, without a picture."""
        rest = curve.take()
        if any(rest["columns"].values()):
            self.send({"type": "frame", "run": self.run, "curve": rest, "picture": None, "seconds": self.seconds})

    def finish(self, summary: Any, status: str) -> None:
        """Sends `finished` with the status and the result."""
        scores = round_scores(summary.metrics)  # as on the last frame
        result = summary.json() | {"status": status, "metrics": scores, "floor": self.floor}
        self.send({"type": "finished", "run": self.run, "status": status, "result": result})

    def note(self, message: str, share: float | None) -> None:
        """Sends what the run waits for and how much of it is done, 0 to 1. Raises `Stopped` if the run was stopped."""
        if self.controls.stopped:
            raise Stopped
        self.send({"type": "note", "run": self.run, "message": message, "share": share})

    def wait(self, event: Note) -> Iterator[None]:
        """Sends what the run waits for, at most twice a second. That time does not count as the attack's.

        It stands still as long as all runs do.
        """
        self.begun, self.away = time.perf_counter(), 0.0
        if self.begun >= self.next_note:
            self.next_note = self.begun + NOTES
            self.note(event.message, event.share)
        if self.controls.held:
            yield from self.rest()

    @property
    def seconds(self) -> float:
        """The seconds of computing so far."""
        return time.perf_counter() - self.begun - self.away - self.controls.wasted

    @property
    def waiting(self) -> bool:
        """Returns whether the run stands still and has said why."""
        return bool(self.told) and self.told == self.controls.standing and not self.controls.ending

    def pass_turn(self) -> Iterator[None]:
        """Yields once. The time until the run has its next turn does not count as the attack's."""
        left, self.spent = time.perf_counter(), self.seconds
        yield
        self.away += time.perf_counter() - left

    def due(self, iteration: int) -> bool:
        """Returns whether an iteration gets a frame."""
        self.asked = time.thread_time()
        early = iteration in EARLY_FRAMES or time.perf_counter() >= self.next_frame
        if not (self.pulse.agree(iteration, early or self.wanted) or self.wanted):
            return False
        wait_for_device(self.device)
        self.asked = time.thread_time()
        return True

    def announce(self, event: Started, secret: Any) -> None:
        """Sends `started` with the private pictures and labels of the secret."""
        batch, *shape = secret.images.shape
        head = {
            "type": "started", "run": self.run, "steps": event.steps, "restarts": event.restarts,
            "losses": list(event.losses), "labels": secret.labels.tolist(), "batch": batch, "shape": shape,
            "floor": self.floor, "message": event.remark or None, "update": event.update,
        }  # fmt: skip
        self.send(head, to_strip(secret.images))

    def show(self, event: Frame, curve: Curve, forecast: float | None) -> None:
        """Sends a frame with the curve since the last one, and sets the time before which no other is due.

        `forecast` is the second at which the picture should be recognisable, None where nothing can be said.
        """
        numbers = {
            "iteration": event.iteration, "labels": list(event.labels), "metrics": round_scores(event.metrics),
            "layers": round_scores(event.layers), "redrawn": event.redrawn, "tiles": event.tiles,
            "forecast": forecast, "order": list(event.order), "recognised": event.recognised,
        }  # fmt: skip
        head = {"type": "frame", "run": self.run, "curve": curve.take(), "picture": numbers, "seconds": self.seconds}
        self.send(head, to_strip(event.images))
        cost = time.thread_time() - self.asked
        self.next_frame = time.perf_counter() + self.pulse.pause(cost, self.seconds)

    def ask(self, event: Plateau) -> bool:
        """Returns whether the run goes on from a plateau. It waits for an answer where somebody can give one."""
        if not self.controls.patience:
            return True
        said = PLATEAU.format(still=event.still, left=event.left, seconds=self.controls.patience)
        self.send({"type": "state", "run": self.run, "state": "paused", "message": said})
        going_on = self.controls.await_answer()
        self.send({"type": "state", "run": self.run, "state": "running", "message": ""})
        return going_on

    def rest(self) -> Iterator[None]:
        """Gives its turns away while the run stands still, and sends the state before and after."""
        said: dict[str, str] = {}
        while (standing := self.controls.standing) and not self.controls.ending:
            said = {"message": ALL_PAUSED if standing == "held" else ""} if said or standing == "held" else {}
            self.send({"type": "state", "run": self.run, "state": standing} | said)
            self.told = standing
            while self.waiting:
                yield from self.pass_turn()
            self.told = ""
            if not self.controls.standing and not self.controls.ending:
                going_on = "running" if self.started else "queued"
                self.send({"type": "state", "run": self.run, "state": going_on} | (said and {"message": ""}))


def read_first_guess(start: Any) -> FirstGuess:
    """Returns the guess that a run goes on from, in the order that it had for the attacker."""
    images = from_strip(base64.b64decode(start["picture"]), len(start["labels"]))
    places = torch.tensor(start["order"]).argsort()
    return FirstGuess(images[places, : start["channels"]], tuple(start["labels"][place] for place in places.tolist()))


def fetch_datasets(images: list[str], note: Say) -> None:
    """Downloads the data sets that the images need and that are missing. Raises `Refused`, and what `note` raises."""
    for reference in images:
        if reference.startswith("dataset:"):
            title = DATASETS[parse_dataset(reference)[0]].title
            read_item(data_folder() / "datasets", reference, Download(title, note))


class Download:
    """A listener to a download that notes how far it is, at most twice a second."""

    def __init__(self, title: str, note: Say) -> None:
        self.title, self.note = title, note
        self.next = 0.0

    def __call__(self, done: int, total: int) -> None:
        if time.perf_counter() < self.next and done != total:
            return
        self.next = time.perf_counter() + NOTES
        of = f" of {total / 1e6:.1f}" if total else ""
        self.note(f"Downloading {self.title}: {done / 1e6:.1f}{of} MB.", done / total if total else None)


def wait_for_device(device: str) -> None:
    """Waits until a GPU has done what is queued on it, so that this does not count as the cost of a frame."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def round_scores(values: dict[str, float]) -> dict[str, float]:
    """Returns the values at five significant digits: all that is shown, at half the bytes."""
    return {name: float(f"{value:.5g}") for name, value in values.items()}
