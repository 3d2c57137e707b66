"""`python -m benchmarks NAME...`: measures, prints, and keeps the results of long runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer

from benchmarks import BENCHMARKS
from benchmarks.record import kept, results
from benchmarks.setting import Setting
from benchmarks.table import PAGE, page


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(BENCHMARKS)}.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    quick: Annotated[bool, typer.Option(help="A small run to try a script; prints and keeps nothing.")] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="What computes.")] = "cpu",
    data: Annotated[Path | None, typer.Option(help="Folder of images by class to draw from.", exists=True)] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many runs are played at once, where time is not measured.")] = 1,
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
    if jobs > 1:
        os.environ["OMP_NUM_THREADS"] = "1"
    met = [kept(name, BENCHMARKS[name], Setting(quick, device, data and data.resolve(), jobs)) for name in chosen]
    if table or (chosen and not quick):
        PAGE.write_text(page(BENCHMARKS, results()), encoding="utf-8")
    raise typer.Exit(0 if all(met) else 1)


if __name__ == "__main__":
    typer.run(main)
