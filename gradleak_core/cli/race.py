"""`race`: plays several attacks side by side in the terminal, by the worker's loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from gradleak_core import experiment as engine
from gradleak_core.catalogue import catalogue
from gradleak_core.cli import choose
from gradleak_core.cli.attack import (
    FAILED,
    INTERRUPTED,
    KINDS,
    Steady,
    check_writable,
    list_targets,
    put_device_first,
    stoppable,
    write_result,
)
from gradleak_core.cli.recording import Recording
from gradleak_core.config import demand
from gradleak_core.config.admission import admit
from gradleak_core.config.races import check_lanes, lane_names, lane_text, race_title, read_lane, sweep_knob
from gradleak_core.runs.controls import Controls
from gradleak_core.runs.exports.raced import record_race
from gradleak_core.runs.loop import Run
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.turns import play_in_turns
from gradleak_core.runs.worker import describe_failure, warm_up
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import duration, seen, word, write_likeness

RACE_FILES = tuple(kind for kind in KINDS if kind not in (".py", ".csv"))
"""The endings of the files that show a race."""


def race(
    choice: choose.Choice,
    lanes: list[str],
    sweep: str | None,
    by: str,
    device: str | None,
    json_to: str | None,
    save_to: Path | None,
    quiet: bool,
    err: Console,
) -> int:
    """Runs a race, prints a line for each lane, writes the files asked for, and returns the exit code.

    Raises `Refused`.
    """
    known = catalogue()
    device = choose.find_device(device, known)
    for target in list_targets(json_to, save_to, RACE_FILES):
        check_writable(target)
    lanes = lanes or ([] if sweep else list(lanes_of_preset(choice.preset, known)))
    experiments = choose_lanes(choose.choose_experiment(choice, known), lanes, sweep, known)
    demand.check_memory(experiments[0], put_device_first(device, known), *experiments[1:])
    warm_up(engine, known, device)  # or the first lane alone would pay for it
    title, names = race_title(experiments, known), lane_names(experiments, known)
    screens = play(experiments, names, by, device, quiet, err, keep=save_to is not None)
    results = [screen.result(name) for screen, name in zip(screens, names, strict=True)]
    if not quiet:
        (err if json_to == "-" else Console()).print(race_table(title, results))
    head = {"title": title, "by": by, "names": names}
    value = {"title": title, "by": by, "lanes": results, "versions": known["versions"]}
    recorded = record_race(head, experiments, [screen.recorded() for screen in screens], known)
    if unwritten := write_result(value, recorded, json_to, save_to, err):
        return unwritten
    if any(screen.controls.stopped for screen in screens):
        return INTERRUPTED
    return FAILED if any(screen.failure for screen in screens) else 0


def lanes_of_preset(name: str | None, catalogue: JSON) -> Iterator[str]:
    """Yields how the further lanes of a preset differ from its first, if it is a race; nothing otherwise."""
    for preset in catalogue["presets"]:
        if preset["name"] == name:
            yield from (lane_text(lane, preset["experiment"], catalogue) for lane in preset["against"])


def choose_lanes(first: JSON, lanes: Sequence[str], sweep: str | None, catalogue: JSON) -> list[JSON]:
    """Returns the experiments of a race: the first and what each lane makes of it, or one for each value of a sweep.

    Raises `Refused`.
    """
    path, equals, values = (sweep or "").partition("=")
    if sweep is not None and not (equals and values):
        raise Refused(f"--sweep {sweep!r} is not of the form path=value,value, such as attack.optimiser.lr=0.01,0.1,1.")
    experiments = [first] if sweep is None else sweep_knob(first, path.strip(), values.split(","), catalogue)
    experiments += [read_lane(text, first, catalogue) for text in lanes]
    admitted = [admit(experiment, catalogue) for experiment in experiments]
    check_lanes(admitted)
    return admitted


class LaneScreen:
    """A receiver of the messages of one lane, with its controls and a line of the progress display."""

    def __init__(self, name: str, progress: Progress, *, keep: bool, steps: int) -> None:
        self.recording, self.failure = Recording(name, keep=keep), ""
        self.controls = Steady(steps) if keep else Controls()
        self.progress, self.task = progress, progress.add_task(name, total=None, numbers="")

    def __call__(self, head: JSON, blob: bytes = b"") -> None:
        self.recording.add(head, blob)
        if head["type"] == "started":
            self.progress.update(self.task, total=head["steps"])
        elif head["type"] == "frame" and head["picture"]:
            at, metrics = head["picture"]["iteration"], head["picture"]["metrics"]
            numbers = f"PSNR {metrics['psnr']:4.1f}  {seen(metrics)}"
            self.progress.update(self.task, completed=at, numbers=numbers)

    def recorded(self) -> JSON:
        """Returns the recording of the lane's run, with why it failed."""
        value = self.recording.to_json()
        return value | {"head": value["head"] | {"message": self.failure}} if self.failure else value

    def result(self, name: str) -> JSON:
        """Returns the result of the lane's run with its name, or why it has none."""
        return {"name": name, **finite(self.recording.result), **({"failed": self.failure} if self.failure else {})}


def play(
    experiments: Sequence[JSON], names: Sequence[str], by: str, device: str, quiet: bool, err: Console, *, keep: bool
) -> list[LaneScreen]:
    """Plays the lanes to their ends, or until Ctrl-C stops all of them. With `keep` their pictures are kept."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=12), TextColumn("{task.fields[numbers]}"))
    progress = Progress(*columns, console=err, disable=quiet, transient=True)
    screens = [
        LaneScreen(name, progress, keep=keep, steps=lane["attack"].get("steps", 0))
        for name, lane in zip(names, experiments, strict=True)
    ]

    def fail(number: str, error: Exception) -> None:
        screens[int(number)].failure = str(error) if isinstance(error, Refused) else describe_failure(error)

    runs = [Run(engine, str(number), device, screen.controls, screen) for number, screen in enumerate(screens)]
    with stoppable(*(screen.controls for screen in screens)), progress:
        play_in_turns(list(zip(runs, experiments, strict=True)), by, fail)
    return screens


def moment_of(result: JSON) -> str:
    """Says when a lane was first recognisable, or how it ended without being so."""
    since, status = result["seconds_to_recognisable"], result["status"]
    if since is not None:
        return f"{duration(since)}, {result['iterations_to_recognisable']} iterations"
    return "never" if status == "done" else f"{word(status).lower()} before"


def race_table(title: str, results: Sequence[JSON]) -> Table:
    """Returns what became of each lane as a table for the terminal."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for head in ("lane", "PSNR", "likeness", "time", "recognisable after"):
        table.add_column(head, overflow="fold")
    for result in results:
        if "failed" in result:
            table.add_row(result["name"], result["failed"])
            continue
        scores = ("none", "none")
        if metrics := result["metrics"]:
            scores = (f"{metrics['psnr']:.1f} dB", f"{write_likeness(metrics['likeness'])}, {seen(metrics)}")
        table.add_row(result["name"], *scores, duration(result["seconds"]), moment_of(result))
    return table
