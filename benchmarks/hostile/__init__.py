"""What strangers may send to a server of ours, drawn with a fixed seed: `python -m benchmarks.hostile --help`.

A check sends its traffic to a real server on loopback and keeps a `Tally`; it is one function and one row of `CHECKS`.
After all checks the lists and the pages have to answer, once more after a restart, and the log holds no traceback. The
server's processes reach no address but loopback, and the event loop writes down every step of more than 100 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.hostile import bodies, experiments, pictures, sockets, strangers
from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server

__all__ = ["CHECKS", "Check"]


@dataclass(frozen=True)
class Check:
    """`send` sends `count` requests drawn with a seed; `count` is what the whole benchmark sends."""

    what: str
    count: int
    send: Callable[[Server, int, int], Tally]


def from_schema(server: Server, seed: int, count: int) -> Tally:
    """Sends experiments drawn from the catalogue's schema, with Hypothesis, which nothing else here needs."""
    from benchmarks.hostile import schema

    return schema.send(server, seed, count)


CHECKS: dict[str, Check] = {
    "experiments": Check("mutated experiments", 2000, experiments.send),
    "schema": Check("experiments drawn from the catalogue's schema", 2000, from_schema),
    "strangers": Check("foreign hosts and origins", 2000, strangers.send),
    "bodies": Check("odd ids and hostile bodies on every route of the API", 2000, bodies.send),
    "sockets": Check("malformed handshakes and WebSocket frames", 600, sockets.send),
    "uploads": Check("mutated uploads", 1000, pictures.send),
}
