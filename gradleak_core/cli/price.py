"""`price`: shows accuracy beside leakage as a table, and writes a file that grows point by point."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gradleak_core.catalogue import catalogue
from gradleak_core.cli import choose
from gradleak_core.cli.attack import FAILED, check_writable, put_device_first
from gradleak_core.config import demand
from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import defence
from gradleak_core.config.links import defence_text
from gradleak_core.config.titles import run_title
from gradleak_core.data.files import write_whole
from gradleak_core.data.sources import source
from gradleak_core.experiment import CODEC, load
from gradleak_core.federation import Federation
from gradleak_core.pricing import Draft, Outlook, Point, PriceEvent
from gradleak_core.pricing import price as points
from gradleak_core.runs.disk import out_of_room
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.worker import describe_failure
from gradleak_core.types import JSON, Note, Refused
from gradleak_core.verdicts import seen

NOTE_SECONDS = 0.5
"""The seconds between two notes in the file."""
BEGINNING = "Reading the training pictures."
RETRY_SECONDS = 1.0
"""The seconds between two attempts to write the end."""


def price_command(
    choice: choose.Choice,
    defences: list[str],
    federation: Mapping[str, Any],
    device: str | None,
    json_to: Path | None,
    quiet: bool,
    err: Console,
) -> int:
    """Prices no defence and each of these, and returns the exit code. Raises `Refused`."""
    known = catalogue()
    device = choose.find_device(device, known)
    begun = None if json_to is None else read_beginning(json_to)
    if json_to is not None:
        check_writable(json_to)
    base = choose.choose_experiment(choice, known)
    demand.check_memory(base, put_device_first(device, known))
    settings = [[], *([defence(text, known)] for text in defences if text != "none")]
    settings = list({json.dumps(setting): setting for setting in settings}.values())  # each once
    if len(settings) < 2:
        raise Refused("No defence is named to be priced; add one, such as --defence gaussian_noise:std=0.01.")
    planned = [load(admit(base | {"defences": parts}, known)) for parts in settings]
    training = CODEC.decode(Federation, {name: value for name, value in federation.items() if value is not None})
    source(training.data, planned[0].classes)
    head = {"experiment": base, "federation": CODEC.encode(training), "planned": len(settings)}
    ledger = Ledger(json_to, head, begun)
    bar = progress_bar(err, quiet)
    task = bar.add_task("Preparing", total=len(settings))
    try:
        with bar:
            for event in points(planned[0], [one.defences for one in planned], training, device):
                ledger.add(event)
                if isinstance(event, Point):
                    bar.advance(task)
                elif isinstance(event, Note):
                    bar.update(task, description=event.message)
    except KeyboardInterrupt:
        ledger.write(status="stopped")
        raise
    except Exception as error:
        message = str(error) if isinstance(error, Refused) else describe_failure(error)
        ledger.close(err, status="failed", message=message)
        if isinstance(error, Refused):
            raise
        err.print(message, style="red", highlight=False, markup=False, soft_wrap=True)
        return FAILED
    ledger.close(err, status="done", note=None)
    if not quiet:
        Console().print(price_table(ledger.value, known))
    return 0


def read_beginning(file: Path) -> float | None:
    """Returns when the server that reads a file began to wait for it, in seconds since 1970; None without a server."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        return float(value["begun"]) if value["status"] == "running" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Ledger:
    """The state of a price, in memory and, if wanted, in a file that always holds complete JSON."""

    def __init__(self, file: Path | None, head: JSON, begun: float | None = None) -> None:
        self.file, begun = file, time.time() if begun is None else begun
        self.value: JSON = {"status": "running", "message": None, "note": BEGINNING, "points": [], **head}
        self.value |= {"draft": None, "forecast": None, "seconds": 0.0, "begun": begun}
        self.next = 0.0
        self.trouble: OSError | None = None
        """The error that keeps the file from being up to date."""
        self.write()

    def add(self, event: PriceEvent) -> None:
        """Takes in an event and writes the file; for a note only if the last one is half a second old."""
        if isinstance(event, Point):
            self.value["points"].append(event.json())
            self.write(draft=None)
        elif isinstance(event, Draft):
            self.write(draft=event.json())
        elif isinstance(event, Outlook):
            self.write(forecast=round(time.time() - self.value["begun"] + event.seconds, 1))
        else:
            self.value["note"] = event.message
            if time.monotonic() >= self.next:
                self.next = time.monotonic() + NOTE_SECONDS
                self.write()

    def write(self, **changes: Any) -> None:
        """Changes the state and writes all of it. What there is no room for now is in the next attempt."""
        self.value |= changes | {"seconds": round(time.time() - self.value["begun"], 1)}
        self.trouble = None
        if self.file is not None:
            try:
                text = json.dumps(finite(self.value), indent=2, allow_nan=False) + "\n"
                write_whole(self.file, text.encode())
            except OSError as error:
                self.trouble = error

    def close(self, err: Console, **changes: Any) -> None:
        """Writes how the price ended, and waits for room if need be."""
        self.write(**changes)
        if self.trouble:
            err.print(f"{self.file} cannot be written: {self.trouble.strerror}.", markup=False, soft_wrap=True)
        while self.trouble and out_of_room(self.trouble):
            time.sleep(RETRY_SECONDS)
            self.write()


def progress_bar(console: Console, quiet: bool) -> Progress:
    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        BarColumn(bar_width=12),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, disable=quiet, transient=True)


def price_table(value: JSON, known: JSON) -> Table:
    """Returns the points of a price as a table for the terminal."""
    learnt, leaked = value["federation"], value["experiment"]
    what = (
        f"Accuracy on {learnt['data']}: mean (lowest–highest) of {learnt['seeds']} trainings of {learnt['clients']} "
        f"clients, each until it levels off, for at most {learnt['rounds']} rounds; PSNR and SSIM of "
        f"{run_title(leaked, known)}"
    )
    columns = ("defence", "accuracy", "PSNR", "SSIM", "seen")
    rows = Table(*columns, title=what, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for point in value["points"]:
        name = " then ".join(defence_text(part, known) for part in point["defences"]) or "none"
        each = point["accuracies"]
        accuracy = f"{point['accuracy']:.1%} ({min(each):.1%}–{max(each):.1%})"
        rows.add_row(name, accuracy, f"{point['psnr']:.2f} dB", f"{point['ssim']:.3f}", seen(point))
    return rows
