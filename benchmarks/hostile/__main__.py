"""`python -m benchmarks.hostile`: sends it all to a server of its own, and says what came back."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.hostile import CHECKS
from benchmarks.hostile.pages import look
from benchmarks.hostile.tally import Tally
from benchmarks.hostile.watched import held_up, outside, watch
from benchmarks.serving import running

SHOWN = 20
"""Failures that are printed of each check."""


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(CHECKS)}; all unless named.")] = None,
    count: Annotated[int | None, typer.Option(help="Requests of each check instead of its own number.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="What the requests are drawn with.")] = 0,
) -> None:
    """Attack a server on loopback. Exit code 1 when anything broke."""
    chosen = names or list(CHECKS)
    for name in chosen:
        if name not in CHECKS:
            raise typer.BadParameter(f"There is no check {name!r}; choose from {', '.join(CHECKS)}.")
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder), "cpu", watch(Path(folder))) as server:
            for name in chosen:
                check = CHECKS[name]
                failures += said(check.what, check.send(server, seed, count or check.count))
            failures += said("lists and pages afterwards", look(server))
            failures += said("the log", tracebacks(server.log))
            failures += said("the event loop", held_up(Path(folder)))
            failures += said("connections outside", outside(Path(folder)))
        with running(Path(folder), "cpu") as server:
            failures += said("lists and pages after a restart", look(server))
            failures += said("the log after a restart", tracebacks(server.log))
    raise typer.Exit(1 if failures else 0)


def said(what: str, tally: Tally) -> int:
    """Prints a tally and the first of its failures; how many there are."""
    print(f"{what}: {tally}", flush=True)
    for failure in tally.failures[:SHOWN]:
        print(f"  {failure}", flush=True)
    return len(tally.failures)


def tracebacks(log: Path) -> Tally:
    """Every traceback in a server's log, by its last line."""
    tally = Tally()
    text = log.read_text(encoding="utf-8", errors="replace")
    for found in re.finditer(
        r"^.*Traceback \(most recent call last\):\n(?:.*\n)*?(\S*(?:Error|Exception)\b.*)$", text, re.M
    ):
        tally.fail("traceback", found[1])
    tally.answers["line"] += text.count("\n")
    return tally


if __name__ == "__main__":
    typer.run(main)
