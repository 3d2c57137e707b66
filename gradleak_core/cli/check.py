"""`check`: tells whether GradLeak can work on this machine, and what to do when it cannot."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console

from gradleak_core.attacks import RECIPES
from gradleak_core.catalogue import devices, versions
from gradleak_core.cli.serve import open_socket
from gradleak_core.data import data_folder
from gradleak_core.data.files import PRIVATE_FOLDER
from gradleak_core.doctor.patient import write_distance
from gradleak_core.experiment import Experiment, run
from gradleak_core.types import Frame, Refused, Started

ITERATIONS = 20


def check_machine(port: int, out: Console, program: str) -> int:
    """Prints what each check found, a line each, and how `program` is started. Returns 0 when all is well, else 1."""
    steps: dict[str, Callable[[], str]] = {
        "versions": lambda: ", ".join(f"{name} {number}" for name, number in versions().items()),
        "device": lambda: ", ".join(f"{row['kind']} ({row['name']})" for row in devices()),
        "engine": check_engine,
        "data folder": check_folder,
        "port": lambda: check_port(port),
    }
    well = True
    for name, step in steps.items():
        try:
            mark, said = "[green]✓[/]", step()
        except Refused as refused:
            well, mark, said = False, "[red]✗[/]", str(refused)
        out.print(mark, f"{name:12}", end="")
        out.print(said, highlight=False, markup=False, soft_wrap=True)
    out.print(f"All is well: start with `{program} serve`." if well else "Mend what is marked ✗ first.")
    return 0 if well else 1


def check_engine() -> str:
    """Runs a short attack and describes it. Raises `Refused` when it does not lower its distance."""
    recipe, device = RECIPES["idlg"], devices()[0]["kind"]
    try:
        events = [*run(Experiment(attack=replace(recipe, steps=ITERATIONS)), device=device, due=lambda i: i == 1)]
        first, *_, last = (event.metrics["distance"] for event in events if isinstance(event, Frame))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise Refused(f"An attack on {device} broke off ({reason}); install PyTorch again.") from error
    remarks = [event.remark for event in events if isinstance(event, Started) and event.remark]
    if remarks:
        raise Refused(f"{remarks[0]} Install PyTorch again, or name the CPU with --device cpu.")
    if not last < first:
        raise Refused(f"{ITERATIONS} iterations on {device} did not lower the distance; install PyTorch again.")
    fall = f"from {write_distance(first)} to {write_distance(last)}"
    return f"{ITERATIONS} iterations on {device} lowered the distance {fall}"


def check_folder() -> str:
    """Describes the data folder. Raises `Refused` when nothing can be written there."""
    data = data_folder().absolute()
    try:
        data.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise Refused(f"{data} cannot be written; set GRADLEAK_DATA to a folder that can.") from error
    return f"{data} can be written"


def check_port(port: int) -> str:
    """Describes a port. Raises `Refused` unless it is free or GradLeak itself has it."""
    try:
        open_socket("127.0.0.1", port).close()
        return f"{port} is free"
    except Refused:
        if not is_gradleak(port):
            raise
        return f"{port} is GradLeak's own: it is serving already"


def is_gradleak(port: int) -> bool:
    """Returns whether a GradLeak server of this machine answers on a port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=3) as reply:
            return "workers" in json.load(reply)
    except (OSError, ValueError, TypeError):
        return False
