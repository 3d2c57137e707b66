"""`attack`: plays one run in the terminal, by the worker's loop, with a progress bar in place of the browser."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gradleak_core import experiment as engine
from gradleak_core.catalogue import catalogue
from gradleak_core.cli import choose
from gradleak_core.cli.recording import Recording
from gradleak_core.config import demand
from gradleak_core.config.needs import idle, labels_revealed
from gradleak_core.config.titles import part_titles, run_title
from gradleak_core.data import read_picture, uploads
from gradleak_core.doctor import Diagnosis, Mend, diagnose
from gradleak_core.doctor.patient import write_distance
from gradleak_core.runs.controls import Controls
from gradleak_core.runs.loop import Run
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.worker import describe_failure
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import STATUSES, seen, word, write_likeness

KINDS = (".mp4", ".gif", ".html", ".png", ".zip", ".py", ".csv")
"""The endings of the files that show a run."""
STEADY = 60
"""The evenly spaced pictures that a saved run has at least, if it has so many iterations."""
FAILED, INTERRUPTED = 1, 130


def attack(
    choice: choose.Choice, device: str | None, json_to: str | None, save_to: Path | None, quiet: bool, err: Console
) -> int:
    """Runs an attack, prints its result, writes the files asked for, and returns the exit code. Raises `Refused`."""
    known = catalogue()
    device = choose.find_device(device, known)
    for target in list_targets(json_to, save_to):
        check_writable(target)
    experiment = choose.choose_experiment(choice, known)
    handed_in = [image for image in experiment["images"] if choice.images and image.startswith("upload:")]
    if not quiet and any(uploads.looks_very_dark(read_picture(image)) for image in handed_in):
        err.print("A picture is very dark; --stretch makes its darkest value black and its brightest white.")
    demand.check_memory(experiment, put_device_first(device, known))
    if not quiet and (slow := demand.delay(experiment, put_device_first(device, known))):
        err.print(slow, style="yellow", highlight=False, markup=False, soft_wrap=True)
    recording = Recording(run_title(experiment, known), keep=save_to is not None)
    controls = Steady(experiment["attack"].get("steps", 0)) if recording.keep else Controls()
    screen = Screen(recording, err, quiet)
    try:
        with stoppable(controls), screen.progress:
            Run(engine, "", device, controls, screen).play(experiment)
    except Refused as refused:
        explain_refusal(str(refused), experiment, known, err)
        raise
    except Exception as error:
        err.print(describe_failure(error), style="red", highlight=False, markup=False, soft_wrap=True)
        return FAILED
    cause = diagnose(recording.result | {"result": recording.result}, known)
    beside = {"true_labels": recording.head.get("labels", []), "versions": known["versions"]}
    result = finite(recording.result) | beside | {"diagnosis": cause and cause.json()}
    if not quiet:
        (err if json_to == "-" else Console()).print(result_table(recording, known, cause))
    recorded = recording.to_json() | {"titles": part_titles(known)}
    return write_result(result, recorded, json_to, save_to, err) or (INTERRUPTED if controls.stopped else 0)


def explain_refusal(message: str, experiment: JSON, catalogue: JSON, err: Console) -> None:
    """Prints what would make an update that is not attacked worth attacking, if the doctor knows."""
    cause = diagnose({"status": "refused", "message": message, "experiment": experiment}, catalogue)
    if cause is not None and cause.mend is not None:
        err.print(f"{cause.sentence} {describe_mend(cause.mend)}", highlight=False, markup=False, soft_wrap=True)


def describe_mend(mend: Mend) -> str:
    """Returns a mend in words, with the options that make it."""
    told = {path: "none" if value == [] else value for path, value in mend.changes}
    if any(value is None or isinstance(value, list) for value in told.values()):
        return f"{mend.title}."
    return f"{mend.title}: {' '.join(f'--set {path}={value}' for path, value in told.items())}"


def put_device_first(device: str, catalogue: JSON) -> JSON:
    """Returns the catalogue with a device as the first of its list."""
    return catalogue | {"devices": sorted(catalogue["devices"], key=lambda row: row["kind"] != device)}


def write_result(result: JSON, recorded: JSON, json_to: str | None, save_to: Path | None, err: Console) -> int:
    """Writes the result as JSON and the run as a file to look at, where asked for. Returns the exit code."""
    try:
        if save_to is not None:
            from gradleak_core.runs.exports.kinds import write_export

            save_to.write_bytes(write_export(save_to.suffix.lower().removeprefix("."), recorded))
        if json_to is not None:
            text = json.dumps(result, indent=2, allow_nan=False) + "\n"
            sys.stdout.write(text) if json_to == "-" else Path(json_to).write_text(text, encoding="utf-8")
    except OSError as error:
        err.print(f"The result could not be written: {error.strerror}.", style="red", markup=False)
        return FAILED
    except Refused as refused:
        err.print(str(refused), style="red", highlight=False, markup=False, soft_wrap=True)
        return FAILED
    return 0


def list_targets(json_to: str | None, save_to: Path | None, kinds: Sequence[str] = KINDS) -> Iterator[Path]:
    """Yields the files to be written. Raises `Refused` for one to look at of another kind than there is."""
    if save_to is not None:
        if save_to.suffix.lower() not in kinds:
            raise Refused(f"--save {save_to} must end in {', '.join(kinds[:-1])} or {kinds[-1]}.")
        yield save_to
    if json_to not in (None, "-"):
        yield Path(str(json_to))


def check_writable(target: Path) -> None:
    """Raises `Refused` when a file cannot be written. Leaves no trace, and shows nobody an empty file."""
    try:
        if target.exists():
            target.open("ab").close()
        else:
            tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise Refused(f"{target} cannot be written: {str(error.strerror).lower()}; choose another place.") from error


@contextmanager
def stoppable(*controls: Controls) -> Iterator[None]:
    """Makes the first Ctrl-C end the runs in good order, and the second end them at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        for one in controls:
            one.apply({"type": "stop"})
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Steady(Controls):
    """Controls that ask for evenly spaced pictures as well, so that the animation of a short run moves smoothly."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.every = max(1, steps // STEADY)
        self.count = 0

    def tick(self) -> bool:
        self.count += 1
        return super().tick() or self.count % self.every == 0


class Screen:
    """A receiver of a run's messages that adds them to the recording and moves the progress bar."""

    def __init__(self, recording: Recording, console: Console, quiet: bool) -> None:
        self.recording = recording
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:.0f}/{task.total}"),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet,
            transient=True,
        )
        self.task = self.progress.add_task("preparing", total=None, numbers="")

    def __call__(self, head: JSON, blob: bytes = b"") -> None:
        self.recording.add(head, blob)
        if head["type"] == "note":
            self.progress.update(self.task, description=head["message"])
        elif head["type"] == "started":
            self.progress.update(self.task, description=self.recording.title.partition(" · ")[0], total=head["steps"])
        elif head["type"] == "frame" and head["picture"]:
            iteration, metrics = head["picture"]["iteration"], head["picture"]["metrics"]
            scores = f"distance {write_distance(metrics['distance']):11} PSNR {metrics['psnr']:4.1f}  {seen(metrics)}"
            rate = iteration / max(head["seconds"], 1e-9)
            self.progress.update(self.task, completed=iteration, numbers=f"{scores}  {rate:.0f}/s")


def result_table(recording: Recording, catalogue: JSON, cause: Diagnosis | None) -> Table:
    """Returns the result of a run, and why it failed if it did, as a table for the terminal."""
    result, experiment = recording.result, recording.result["experiment"]
    rows = Table(title=recording.title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    rows.add_column(style="dim")
    rows.add_column(overflow="fold")
    redrawn = f", {result['redrawn']} redrawn" if result["redrawn"] else ""
    rate = result["iterations_per_second"]
    rows.add_row("status", f"{word(result['status'])}: {STATUSES[result['status']].reason}")
    rows.add_row("iterations", f"{result['iterations']} in {result['seconds']:.1f} s ({rate or 0:.0f}/s){redrawn}")
    restarts = experiment["attack"].get("restarts", 1)
    together = f", {restarts} first guesses side by side" if restarts > 1 else ""
    rows.add_row("device, seed", f"{result['device']}, {result['seed']}{together}")
    if metrics := result["metrics"]:
        rows.add_row("PSNR, SSIM", f"{metrics['psnr']:.2f} dB, {metrics['ssim']:.3f}")
        rows.add_row("likeness", f"{write_likeness(metrics['likeness'])}, {seen(metrics)}")
        rows.add_row("MSE, RMSE", f"{write_distance(metrics['mse'])}, {write_distance(metrics['rmse'])}")
        rows.add_row("distance", write_distance(metrics["distance"]))
    if floor := result["floor"]:
        grey, mean, other = (f"{floor[name]['psnr']:.2f} dB" for name in ("grey", "mean", "other"))
        rows.add_row("floor", f"grey {grey}, mean colour {mean}, another picture {other}")
    found = f"{list_labels(result['labels'])}, true {list_labels(recording.head.get('labels', []))}"
    rows.add_row("labels", f"{list_labels(result['labels'])}, told" if labels_revealed(experiment) else found)
    rows.add_row("verdict", result["verdict"])
    if cause is not None:
        rows.add_row("why", f"{cause.sentence} {cause.evidence} {cause.basis}")
    if cause is not None and cause.mend is not None:
        rows.add_row("proof", describe_mend(cause.mend))
    for said in filter(None, (result["remark"], idle(experiment, catalogue), describe_uploads(experiment))):
        rows.add_row("note", said)
    return rows


def describe_uploads(experiment: JSON) -> str:
    """Returns a sentence on how the user's own pictures were changed; empty without any."""
    if not any(image.startswith("upload:") for image in experiment["images"]):
        return ""
    side, classless = experiment["size"], experiment["labels"] is None
    label = ", and their label is 0 unless --label says another" if classless else ""
    return f"Your own pictures are cut to a square of {side} × {side} pixels{label}."


def list_labels(labels: list[int]) -> str:
    return " ".join(map(str, labels))
