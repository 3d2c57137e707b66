"""A worker without an engine, for tests of who is computed when: its runs count to their ends, and can make room.

`python light_worker.py CATALOGUE` takes the catalogue as JSON. It keeps the checkpoints of its runs in its own memory.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

from gradleak_core.runs.controls import Controls
from gradleak_core.runs.protocol import pack, read_message
from gradleak_core.verdicts import ALL_PAUSED

given: list[Any] = []
arrived = threading.Condition()
speaking = threading.Lock()
reached: dict[str, int] = {}
"""The iteration at which each run was put aside."""


def say(**head: Any) -> None:
    with speaking:
        sys.stdout.buffer.write(pack(head))
        sys.stdout.buffer.flush()


def listen() -> None:
    lane = Controls()
    while message := read_message(sys.stdin.buffer):
        head = message[0]
        if head["type"] == "run":
            lane = Controls()
            with arrived:
                given.append((head["runs"], lane))
                arrived.notify()
        else:
            lane.apply(head)
    os._exit(0)


def play(run: str, attack: Any, lane: Controls) -> None:
    """Counts from where the run was put aside."""
    steps, iteration = attack["steps"], reached.pop(run, 0)
    lane.take_up(iteration)
    told = {"losses": [], "labels": [0], "batch": 1, "shape": [3, 8, 8], "floor": {}, "message": None}
    say(type="started", run=run, steps=steps, restarts=1, **told)
    while iteration < steps and not lane.ending:
        time.sleep(attack["delay"])
        lane.tick()
        iteration += 1
        curve = {"first": iteration, "columns": {"best": [1 / iteration]}}
        say(type="frame", run=run, curve=curve, picture=None, seconds=iteration * attack["delay"])
        while (standing := lane.standing) and not lane.ending:
            say(type="state", run=run, state=standing, message=ALL_PAUSED if standing == "held" else None)
            lane.hold(standing)
            if not lane.ending and not lane.standing:
                say(type="state", run=run, state="running", message="" if standing == "held" else None)
    if lane.leaving:
        reached[run] = iteration
        say(type="yielded", run=run)
    else:
        status = "stopped" if lane.stopped else "done"
        say(type="finished", run=run, status=status, result={"experiment": {}, "iterations": iteration})


def work() -> None:
    say(type="hello", pid=os.getpid(), device="cpu", catalogue=json.loads(sys.argv[1]))
    threading.Thread(target=listen, daemon=True).start()
    while True:
        with arrived:
            arrived.wait_for(lambda: given)
            runs, lane = given.pop(0)
        for run, experiment in runs.items():
            play(run, experiment["attack"], lane)


if __name__ == "__main__":
    work()
