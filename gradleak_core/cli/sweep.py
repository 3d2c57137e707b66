"""`sweep`: plays every point of a grid, several at once, keeps each when it is done, and goes on where it broke off."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from gradleak_core.catalogue import catalogue
from gradleak_core.cli.attack import FAILED, INTERRUPTED, check_writable, put_device_first
from gradleak_core.cli.check import check_folder
from gradleak_core.cli.choose import find_device
from gradleak_core.cli.sweep_file import Plan, describe_changes, read_plan
from gradleak_core.config import demand
from gradleak_core.data import data_folder
from gradleak_core.data.files import write_whole
from gradleak_core.runs.disk import out_of_room
from gradleak_core.spread import Spread, play_tasks
from gradleak_core.spread.journal import Journal
from gradleak_core.spread.points import SweepPoint, failed_row
from gradleak_core.spread.processes import on_processes
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import recognisable, write_likeness

PROCESS_BYTES = 0.6e9
"""The memory that a process takes besides its run, with PyTorch and its code."""


@dataclass(frozen=True)
class Order:
    """The options of a sweep: what to play and where."""

    file: Path
    workers: int | None = None
    cluster: str | None = None
    device: str | None = None
    json_to: Path | None = None
    fresh: bool = False
    quiet: bool = False


def play_sweep(order: Order, err: Console) -> int:
    """Plays a sweep, writes its rows, and returns the exit code. Raises `Refused` before anything has begun."""
    known = catalogue()
    plan = read_plan(order.file, known)
    if order.json_to is not None:
        check_writable(order.json_to)
    points = [SweepPoint(experiment, order.device or "") for _, experiment in plan.points]
    spread = spread_over(order, points, known)
    check_folder()
    journal = Journal(data_folder() / "sweeps" / f"{order.file.stem}.jsonl")
    if order.fresh:
        journal.forget()
    book, places = Book(order.json_to, plan, known), {point.key: place for place, point in enumerate(points)}
    try:
        with Bar(err, order.quiet, len(points)) as bar:
            for point, outcome in play_tasks(points, journal, spread):
                row = failed_row(point, outcome) if isinstance(outcome, Exception) else outcome
                book.add(places[point.key], row)
                bar.show(book)
    except KeyboardInterrupt:
        book.write("stopped")
        err.print(f"{book.said()} The same command goes on from there.", highlight=False, soft_wrap=True)
        return INTERRUPTED
    except OSError as error:
        book.write("stopped")
        why = "the disk is full" if out_of_room(error) else str(error.strerror or error).lower()
        err.print(f"{journal.file} cannot be written: {why}. {book.said()}", style="red", markup=False, soft_wrap=True)
        return FAILED
    book.write("done")
    for complaint in book.complaints():
        err.print(complaint, style="red", highlight=False, markup=False, soft_wrap=True)
    if not order.quiet:
        Console().print(sweep_table(book))
    return FAILED if book.failed else 0


def spread_over(order: Order, points: Sequence[SweepPoint], known: JSON) -> Spread[SweepPoint]:
    """Returns what plays the points: processes of this machine, or a cluster. Raises `Refused`."""
    experiments = [point.experiment for point in points]
    if order.cluster is not None:
        from gradleak_core.cluster.connection import connect
        from gradleak_core.cluster.tasks import on_cluster

        if order.workers is not None:
            raise Refused("--workers counts processes of this machine; leave it out with --cluster.")
        ray = connect(order.cluster)
        return lambda waiting: on_cluster(ray, waiting, order.device or "")
    here = put_device_first(find_device(order.device, known), known)
    for experiment in experiments:
        demand.check_memory(experiment, here)
    count = order.workers or useful_workers(experiments, here)
    return lambda waiting: on_processes(waiting, count)


def useful_workers(experiments: Sequence[JSON], known: JSON) -> int:
    """Returns how many processes are useful: one a core, or one a GPU, as far as there is memory for the largest."""
    device = demand.first_device(known)
    if device["kind"] != "cpu":
        return max(1, sum(bool(row["kind"] == device["kind"]) for row in known["devices"]))
    cores: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads: int = max(experiment["threads"] for experiment in experiments)
    free = demand.free_memory()
    asked = [found.memory for one in experiments if (found := demand.estimate(one, known))]
    room = cores if free is None else int(free / (PROCESS_BYTES + max(asked, default=0)))
    return max(1, min(cores // threads, room))


class Book:
    """The rows of a sweep, in memory and, if wanted, in a file that always holds complete JSON."""

    def __init__(self, file: Path | None, plan: Plan, known: JSON) -> None:
        self.file, self.plan = file, plan
        self.rows: dict[int, JSON] = {}
        self.began, self.next = time.time(), 0.0
        self.head: JSON = {"title": plan.title, "base": plan.base, "versions": known["versions"]}
        self.trouble = ""
        """The reason why the file is not up to date, as a sentence."""
        self.write("running")

    @property
    def failed(self) -> list[JSON]:
        """The rows of points that have no result."""
        return [row for _, row in sorted(self.rows.items()) if "message" in row]

    def add(self, index: int, row: JSON) -> None:
        """Takes in the row of a point, and writes the file unless that would take more than a sixth of the time."""
        self.rows[index] = {"point": index + 1, "changes": self.plan.points[index][0], **row}
        begun = time.monotonic()
        if begun >= self.next:
            self.write("running")
            now = time.monotonic()
            self.next = now + 5 * (now - begun)

    def write(self, status: str) -> None:
        """Writes all rows, in the order of the points. What there is no room for now is in the next attempt."""
        if self.file is None:
            return
        counts = {"planned": len(self.plan.points), "done": len(self.rows), "failed": len(self.failed)}
        seconds = round(time.time() - self.began, 1)
        rows = [row for _, row in sorted(self.rows.items())]
        value = {**self.head, "status": status, **counts, "seconds": seconds, "points": rows}
        self.trouble = ""
        try:
            write_whole(self.file, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())
        except OSError as error:
            why = "the disk is full" if out_of_room(error) else str(error.strerror).lower()
            self.trouble = f"{self.file} could not be written: {why}. The rows are kept; give the same command again."

    def said(self) -> str:
        """Says how many points are done."""
        return f"{len(self.rows)} of {len(self.plan.points)} points are done and kept."

    def complaints(self) -> Iterator[str]:
        """Yields each reason why points have no result, with the first of them, and why the file is not up to date."""
        alike: dict[str, list[JSON]] = {}
        for row in self.failed:
            alike.setdefault(row["message"], []).append(row)
        for message, rows in alike.items():
            more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
            yield f"Where {describe_changes(rows[0]['changes'])}{more}: {message}"
        yield from filter(None, [self.trouble])


class Bar:
    """A progress bar over the points of a sweep."""

    def __init__(self, console: Console, quiet: bool, total: int) -> None:
        columns = (
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.progress = Progress(*columns, console=console, disable=quiet, transient=True)
        self.task = self.progress.add_task("Starting", total=total)

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def show(self, book: Book) -> None:
        """Shows how many points are done, recognisable and failed."""
        clear = sum(recognisable(row["metrics"]) for row in book.rows.values())
        failed = f", {len(book.failed)} failed" if book.failed else ""
        self.progress.update(self.task, completed=len(book.rows), description=f"{clear} recognisable{failed}")


def sweep_table(book: Book) -> Table:
    """Returns the medians of each setting over its seeds, as a table for the terminal."""
    groups: dict[str, list[JSON]] = {}
    for _, row in sorted(book.rows.items()):
        changes = {path: value for path, value in row["changes"].items() if path != "seed"}
        groups.setdefault(describe_changes(changes) or "the set-up", []).append(row)
    table = Table(title=book.plan.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("setting", "PSNR", "likeness", "recognisable"):
        table.add_column(name, overflow="fold")
    for name, rows in groups.items():
        scored = [row for row in rows if row["metrics"]]
        clear = f"{sum(recognisable(row['metrics']) for row in scored)} of {len(rows)}"
        if not scored:
            table.add_row(name, "none", "none", clear)
            continue
        psnr, likeness = (median(row["metrics"][key] for row in scored) for key in ("psnr", "likeness"))
        table.add_row(name, f"{psnr:.1f} dB", write_likeness(likeness), clear)
    return table


def median(values: Any) -> float:
    return float(statistics.median(values))
