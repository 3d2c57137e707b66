"""`python -m benchmarks NAME...`: measures, prints, and keeps the results of long runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer

from benchmarks import BENCHMARKS
from benchmarks.record import complete, results, text, write
from benchmarks.setting import Setting, data_of_its_own
from benchmarks.table import PAGE, page
from gradleak_core.types import Refused


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(BENCHMARKS)}.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    quick: Annotated[bool, typer.Option(help="A small run to try a script; prints and keeps nothing.")] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="What computes.")] = "cpu",
    data: Annotated[Path | None, typer.Option(help="Folder of images by class to draw from.", exists=True)] = None,
    table: Annotated[bool, typer.Option(help="Write docs/benchmarks.md from the kept results.")] = False,
) -> None:
    """Measure GradLeak against its bars. Exit code 1 when a bar is missed."""
    chosen = list(BENCHMARKS) if everything else list(names or [])
    for name in chosen:
        if name not in BENCHMARKS:
            raise typer.BadParameter(f"There is no benchmark {name!r}; choose from {', '.join(BENCHMARKS)}.")
    if not chosen and not table:
        raise typer.BadParameter("Name a benchmark, or use --all or --table.")
    if device == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("There is no CUDA device here; leave --device out.")
    met = [one(name, Setting(quick, device, data and data.resolve())) for name in chosen]
    if table or (chosen and not quick):
        PAGE.write_text(page(BENCHMARKS, results()), encoding="utf-8")
    raise typer.Exit(0 if all(met) else 1)


def one(name: str, setting: Setting) -> bool:
    """Runs one with a data folder of its own; a refusal is said and counts as missed."""
    print(f"{name}: {BENCHMARKS[name].what}", flush=True)
    with data_of_its_own():
        try:
            result = complete(name, BENCHMARKS[name], setting)
        except Refused as refused:
            print(refused, file=sys.stderr)
            return False
    print(text(result) if setting.quick else f"  kept in {write(result).name}")
    print(f"{name}: {result['measured']}. Bar: {result['bar']}. {'Met' if result['met'] else 'MISSED'}.\n", flush=True)
    return bool(result["met"])


if __name__ == "__main__":
    typer.run(main)
