"""Mutated experiments, sent as runs; each that is accepted is played for a moment and must not break the worker."""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import Any

import httpx

from benchmarks.hostile.mutations import experiments
from benchmarks.hostile.tally import Tally
from benchmarks.serving import ACTIVE, Server

JSON = Any
PATIENCE = 3.0
"""Seconds that an accepted run may take before it is stopped."""
KEEP_EVERY = 10
"""Of the runs that were accepted, so many are deleted for one that stays in the list."""
BROKEN = ("The run broke off", "The worker process")
"""How the sentences begin about an error, or the end of a worker, that no one foresaw."""


def send(server: Server, seed: int, count: int) -> Tally:
    """Submits `count` experiments."""
    tally = Tally()
    for number, experiment in enumerate(islice(experiments(server.get("catalogue"), seed), count)):
        offer(server, experiment, number, tally)
    return tally


def offer(server: Server, experiment: JSON, number: int, tally: Tally) -> None:
    """Submits one experiment, and plays it for a moment if it is accepted."""
    text = json.dumps({"experiment": experiment})
    answer = posted(server, text)
    tally.take(answer, text)
    if isinstance(answer, httpx.Response) and answer.status_code == 201:
        play(server, answer.json()["id"], text, tally)
        if number % KEEP_EVERY:
            server.client.delete(f"/api/runs/{answer.json()['id']}")


def posted(server: Server, text: str) -> httpx.Response | httpx.TransportError:
    try:
        return server.client.post("/api/runs", content=text, headers={"content-type": "application/json"})
    except httpx.TransportError as error:
        return error


def play(server: Server, run: str, text: str, tally: Tally) -> None:
    """Waits until a run is over, and stops it when that takes long."""
    deadline = time.monotonic() + PATIENCE
    while (row := server.get(f"runs/{run}"))["status"] in ACTIVE:
        if time.monotonic() > deadline:
            server.client.post(f"/api/runs/{run}/stop")
            deadline += PATIENCE
        time.sleep(0.02)
    if (row["message"] or "").startswith(BROKEN):
        tally.fail("broken off", f"{row['message']} of {text}")
