"""`python -m benchmarks.hostile`: sends it all to a server of its own, and says what came back."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.hostile import CHECKS
from benchmarks.hostile.attack import attack


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
    failures = sum(tally.show(what) for what, tally in attack(chosen, seed, count))
    raise typer.Exit(1 if failures else 0)


if __name__ == "__main__":
    typer.run(main)
