"""`python -m benchmarks.claims NAME...`: tries claims, prints the verdicts, and keeps the results of full runs."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer

from benchmarks.claims import CLAIMS
from benchmarks.claims import table as tables
from benchmarks.claims.record import RESULTS, results, tried, write
from benchmarks.setting import Setting, data_of_its_own
from gradleak_core.data import data_folder
from gradleak_core.types import Refused

app = typer.Typer(add_completion=False)
QUICK = Path(tempfile.gettempdir()) / "gradleak-claims"


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(CLAIMS)}.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    quick: Annotated[bool, typer.Option(help="A small run of each, all unless named; kept apart.")] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="What computes.")] = "cpu",
    data: Annotated[
        Path | None, typer.Option(help="Folder that holds cifar10/, mnist/ and victims/.", exists=True, file_okay=False)
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many runs are played at once, each with one CPU thread.")] = 1,
    cluster: Annotated[str | None, typer.Option(help="Ray cluster that plays the runs, as HOST:PORT or auto.")] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with a claim that was broken off: keep the runs it had done.")
    ] = False,
    table: Annotated[bool, typer.Option(help="Write docs/claims.md and assets/claims.json from what is kept.")] = False,
) -> None:
    """Try the claims of papers. Exit code 1 when one could not be tried; a claim that does not hold is a result."""
    chosen = list(CLAIMS) if everything or (quick and not names) else list(names or [])
    for name in chosen:
        if name not in CLAIMS:
            raise typer.BadParameter(f"There is no claim {name!r}; choose from {', '.join(CLAIMS)}.")
    if not chosen and not table:
        raise typer.BadParameter("Name a claim, or use --all, --quick or --table.")
    if device == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("There is no CUDA device here; leave --device out.")
    if jobs > 1 or cluster:
        os.environ["OMP_NUM_THREADS"] = "1"
    journals = data_folder() / "claims"
    journals.mkdir(parents=True, exist_ok=True)
    done = []
    for name in chosen:
        journal = journals / f"{name}{'-quick' if quick else ''}.jsonl"
        if not resume:
            journal.unlink(missing_ok=True)
        done.append(one(name, Setting(quick, device, data and data.resolve(), jobs, cluster, journal)))
    if table or (chosen and not quick):
        tables.write(CLAIMS, results())
    raise typer.Exit(0 if all(done) else 1)


def one(name: str, setting: Setting) -> bool:
    """Tries one with a data folder of its own; one that cannot be tried says so in a sentence."""
    print(f"{name}: {CLAIMS[name].sentence}", flush=True)
    with data_of_its_own():
        try:
            result = tried(name, CLAIMS[name], setting)
        except Refused as refused:
            print(f"{name} could not be tried: {refused}\n", file=sys.stderr, flush=True)
            return False
    kept = write(result, QUICK if setting.quick else RESULTS)
    print(f"  the paper: {result['theirs']}\n  here: {result['ours']} ({result['images']})")
    quickly = " (quick)" if setting.quick else ""
    print(f"{name}: {result['verdict']}{quickly} after {result['seconds']:.0f} s, kept in {kept}\n", flush=True)
    return True


if __name__ == "__main__":
    app()
