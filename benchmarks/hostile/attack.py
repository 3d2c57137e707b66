"""One server on loopback, all that strangers may send to it, and what can be seen of it afterwards."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.hostile import CHECKS
from benchmarks.hostile.pages import look
from benchmarks.hostile.tally import Tally
from benchmarks.hostile.watched import held_up, outside, watch
from benchmarks.serving import Server, running, short, wait
from gradleak_core.experiment import Experiment

EVENT_LOOP = "the event loop"


def attack(names: Sequence[str], seed: int, count: int | None = None) -> Iterator[tuple[str, Tally]]:
    """What was sent and what came of it, check by check, and then what the server is like. `count` replaces theirs."""
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder), "cpu", watch(Path(folder))) as server:
            for name in names:
                check = CHECKS[name]
                yield check.what, check.send(server, seed, count or check.count)
            yield "lists and pages afterwards", look(server)
            yield "the processes", alive(server)
            yield "the log", tracebacks(server.log)
            yield EVENT_LOOP, held_up(Path(folder))
            yield "connections outside", outside(Path(folder))
        with running(Path(folder), "cpu") as server:
            yield "lists and pages after a restart", look(server)
            yield "the log after a restart", tracebacks(server.log)


def alive(server: Server) -> Tally:
    """Whether the server is well, and its worker plays a run as on the first day."""
    tally = Tally()
    wait(server)
    tally.take(server.client.get("/api/healthz"), "the question whether it is well")
    try:
        server.finished(server.submit(short(Experiment(), 3)))
    except RuntimeError as error:
        tally.fail("broken off", str(error))
    return tally


def tracebacks(log: Path) -> Tally:
    """Every traceback in a server's log, by its last line."""
    tally = Tally()
    text = log.read_text(encoding="utf-8", errors="replace")
    for found in re.finditer(
        r"^.*Traceback \(most recent call last\):\n(?:.*\n)*?(\S*(?:Error|Exception|Disconnect)\b.*)$", text, re.M
    ):
        tally.fail("traceback", found[1])
    tally.answers["line"] += text.count("\n")
    return tally
