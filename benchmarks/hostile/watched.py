"""A server whose processes reach loopback only, and whose event loop writes down what holds it up."""

from __future__ import annotations

from pathlib import Path

from benchmarks.hostile.tally import Tally
from tests.web.sealed import attempts, seal

CLOCK = """
import asyncio, time

run = asyncio.Handle._run

def timed(handle):
    began = time.monotonic()
    run(handle)
    took = time.monotonic() - began
    if took < 0.1:
        return
    step = f"{handle!r} of {getattr(handle._callback, '__self__', None)!r}"
    if "LifespanOn" not in step:  # before it serves nobody waits
        with open(os.environ["SEAL_LOG"] + ".held", "a") as log:
            print(f"{1000 * took:.0f} ms: {step}", file=log)

asyncio.Handle._run = timed
"""
"""Times every step of the event loop. asyncio's own debug mode would, but uvicorn switches it off."""


def watch(folder: Path) -> dict[str, str]:
    """The environment of such a server; what it did is in `folder` afterwards."""
    environment = seal(folder)
    with (folder / "sitecustomize.py").open("a") as hook:
        hook.write(CLOCK)
    (folder / "attempts.held").touch()
    return environment


def held_up(folder: Path) -> Tally:
    """Every step that kept the event loop from all its visitors for more than 100 ms."""
    return listed("over 100 ms", (folder / "attempts.held").read_text().splitlines())


def outside(folder: Path) -> Tally:
    """Every attempt to reach something that is not loopback."""
    return listed("attempt", attempts(folder))


def listed(what: str, lines: list[str]) -> Tally:
    tally = Tally()
    for line in lines:
        tally.fail(what, line)
    return tally
