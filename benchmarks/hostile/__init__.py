"""What strangers may send to a server of ours, drawn with a fixed seed: `python -m benchmarks.hostile --help`.

A check sends its traffic to a real server on loopback and keeps a `Tally`; it is one function and one row of `CHECKS`.
After all checks the lists and the pages have to answer, once more after a restart, and the log holds no traceback. The
server's processes reach no address but loopback, and the event loop writes down every step of more than 100 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.hostile import bodies, experiments, pictures, strangers
from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server

__all__ = ["CHECKS", "Check"]


@dataclass(frozen=True)
class Check:
    """`send` sends `count` requests drawn with a seed; `count` is what the whole benchmark sends."""

    what: str
    count: int
    send: Callable[[Server, int, int], Tally]


CHECKS: dict[str, Check] = {
    "experiments": Check("mutated experiments", 2000, experiments.send),
    "strangers": Check("foreign hosts and origins", 2000, strangers.send),
    "bodies": Check("hostile bodies on every POST and PATCH route", 600, bodies.send),
    "uploads": Check("mutated uploads", 1000, pictures.send),
}
