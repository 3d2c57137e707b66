"""Bodies, headers and addresses that no page of ours sends, on every route of the API."""

from __future__ import annotations

import json
import random
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from benchmarks.hostile.mutations import VALUES, experiments
from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server, short
from gradleak_core.api import api
from gradleak_core.experiment import Experiment
from gradleak_core.runs.exports.kinds import EXPORTS

JSON = Any
CHANGING = ("POST", "PATCH", "DELETE")
NAMES = (
    "experiment", "name", "tags", "ids", "lanes", "title", "by", "iterations", "per_second", "defences", "federation",
    "other", "\ud800",
)  # fmt: skip
SET_UPS = ("experiment", "lanes")
DIGITS = ("9" * 4000, "9" * 5000, "-" + "9" * 5000, "1e999", "1" + "0" * 400 + ".0")
RAW = (
    b"", b"null", b"[]", b"{}", b"{", b"\xff\xfe", b'"\\ud800"', b"\x00", b"[" * 100_000, b'{"a":' * 50_000,
    b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}', b"NaN", b"a" * 300_000, b'{"name": 1, "name": 2}',
    "{\"name\": \"é\"}".encode("latin-1"), "{}".encode("utf-16"), b"\xef\xbb\xbf{}",
)  # fmt: skip
TYPES = ("application/json", "application/json; charset=utf-16", "text/plain", "", "multipart/form-data", "a" * 2000)
PLACE = {
    "iteration": ("1", "3"),
    "kind": tuple(EXPORTS),
    "command": ("pause", "resume", "stop", "step", "pace"),
    "entry": ("view", "race", "words.js"),
}
"""What belongs in the places of an address, where that is not the id of a run."""
PLACES = ("\u0000", "%00", "%ed%a0%80", "..%2f..", "a" * 3000, "nope", "%f0%9f%98%80")
"""In an address, where the id of a run belongs."""


def send(server: Server, seed: int, count: int) -> Tally:
    """Sends `count` requests, and a few that are cut off or whose address is odd."""
    tally, dice = Tally(), random.Random(seed)
    run = server.submit(short(Experiment(), 3))
    server.finished(run)
    known = [*routes(api(None))]  # type: ignore[arg-type]  # which nothing is asked of
    mutated = experiments(server.get("catalogue"), seed)
    for _ in range(count):
        method, path = dice.choice(known)
        body, kind = drawn(dice, mutated)
        own = "nope" if method == "DELETE" else run  # which is needed once more
        ask(server, tally, method, filled(dice, path, own), content=body, headers={"content-type": kind})
    for method, path in dict.fromkeys(known):
        if method in CHANGING:
            cut_off(server, method, filled(dice, path, run))
    for method, path in odd_addresses():
        ask(server, tally, method, path)
    return tally


def routes(application: Starlette) -> Iterator[tuple[str, str]]:
    """Every method and address of the API, those that change something five times."""
    for route in application.routes:
        if isinstance(route, Route):
            for method in sorted(route.methods or ()):
                yield from [(method, f"/api{route.path}")] * (5 if method in CHANGING else 1)
        elif isinstance(route, Mount):
            yield "GET", f"/api{route.path}/{{entry}}"


def filled(dice: random.Random, path: str, run: str) -> str:
    """An address with something in each of its places, mostly what belongs there."""

    def fill(place: re.Match[str]) -> str:
        return dice.choice(PLACES) if dice.random() < 0.3 else dice.choice(PLACE.get(place[1], (run,)))

    return re.sub(r"\{(\w+)(?::\w+)?\}", fill, path)


def odd_addresses() -> Iterator[tuple[str, str]]:
    for place in PLACES:
        for rest in ("", "/frames/1", "/recording", "/export.zip", "/truth", "/thumbnail"):
            yield "GET", f"/api/runs/{place}{rest}"
        yield "PATCH", f"/api/runs/{place}"
        yield "DELETE", f"/api/runs/{place}"
        yield "GET", f"/api/prices/{place}"
        yield "GET", f"/api/{place}"
    for digits in (*DIGITS[:2], "-1", "1.5", "x"):
        yield "GET", f"/api/runs/nope/frames/{digits}"


def drawn(dice: random.Random, mutated: Iterator[JSON]) -> tuple[bytes, str]:
    """A body and what it says it is; where set-ups belong, often one that is nearly right."""
    kind = dice.choice(TYPES[:1] * 8 + TYPES)
    shape = dice.random()
    if shape < 0.3:
        return dice.choice(RAW), kind
    if shape < 0.5:
        return f'{{"{dice.choice(NAMES[:6])}": {dice.choice(DIGITS)}}}'.encode(), kind
    names = dice.sample(NAMES, dice.choice((1, 1, 2, 3)))
    value: JSON = {name: dice.choice(VALUES) for name in names}
    for name in set(names).intersection(SET_UPS) if dice.random() < 0.7 else ():
        value[name] = next(mutated) if name == "experiment" else [next(mutated), next(mutated)]
    return json.dumps(dice.choice([value, value, value, [value]])).encode(), kind


def ask(server: Server, tally: Tally, method: str, path: str, **options: Any) -> None:
    """One request and its answer."""
    try:
        answer: httpx.Response | httpx.TransportError = server.client.request(method, path, **options)
    except httpx.TransportError as error:
        answer = error
    except httpx.InvalidURL:  # the client will not send it
        return
    tally.take(answer, f"{method} {path[:100]} {options.get('content', b'')[:200]!r}")


def cut_off(server: Server, method: str, path: str) -> None:
    """A request whose sender goes away in the middle of the body."""
    address = server.client.base_url
    with socket.create_connection((address.host, address.port), timeout=5) as line:
        line.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{".encode()
        )
