"""`python -m benchmarks.speed NAME...`: measures, prints, keeps the results, and writes docs/performance.md."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.record import RESULTS, kept, results
from benchmarks.setting import Setting
from benchmarks.speed import SPEED
from benchmarks.speed.page import PAGE, page

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers"
PACKAGES = (
    "breaching==0.1.2",
    "hydra-core>=1.3",
    "omegaconf>=2.3,<2.4",
    "antlr4-python3-runtime==4.9.3",
    "lpips",
    "pyyaml",
)
FOLDER = RESULTS / "speed"
AGAINST_PEERS = ("peers", "recognisable", "race")
ON_GPU = ("graph", "card")


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(SPEED)}; all unless named.")] = None,
    quick: Annotated[bool, typer.Option(help="A small run to try a script; prints and keeps nothing.")] = False,
    table: Annotated[bool, typer.Option(help="Only write docs/performance.md from the kept results.")] = False,
) -> None:
    """Measure how fast GradLeak is. Exit code 1 when a bar is missed."""
    chosen = [] if table else list(names or [name for name in SPEED if name not in ON_GPU or torch.cuda.is_available()])
    for name in chosen:
        if name not in SPEED:
            raise typer.BadParameter(f"There is no measurement {name!r}; choose from {', '.join(SPEED)}.")
    if any(name in AGAINST_PEERS for name in chosen) and importlib.util.find_spec("breaching") is None:
        raise typer.Exit(subprocess.call([str(beside()), "-m", "benchmarks.speed", *sys.argv[1:]], cwd=ROOT))
    settings = {name: Setting(quick, "cuda" if name in ON_GPU else "cpu") for name in chosen}
    met = [kept(name, SPEED[name], setting, FOLDER) for name, setting in settings.items()]
    if not quick:
        PAGE.write_text(page(results(FOLDER), results()), encoding="utf-8")
    raise typer.Exit(0 if all(met) else 1)


def beside() -> Path:
    """The Python of an environment that has the peers, and everything of this one."""
    python = PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"Installing {PACKAGES[0]} in {PEERS.name}.", flush=True)
        venv.create(PEERS, with_pip=True)
        [site] = PEERS.glob("**/site-packages")
        (site / "parent.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES], check=True)
    return python


if __name__ == "__main__":
    typer.run(main)
