"""Requests and handshakes under foreign names and from foreign pages, on every kind of route."""

from __future__ import annotations

import random

from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server

HOSTS = (
    "evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example:{port}", "10.0.0.1:{port}",
    "[::2]:{port}", "0.0.0.0:{port}", "127.1:{port}", "2130706433", "localhost:x", "user@localhost", "e" * 3000,
)  # fmt: skip
ORIGINS = (
    "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://localhost:{port}", "null", "",
    "http://127.0.0.1:{port}.evil.example", "file://", "http://127.0.0.1:{port}/", "ws://127.0.0.1:{port}", "e" * 3000,
)  # fmt: skip
PATHS = (
    "/", "/runs", "/nope", "/static/x.js", "/media/x.png", "/component/x/y", "/_stcore/health", "/_stcore/metrics",
    "/_stcore/host-config", "/_stcore/upload_file/x/y", "/_stcore/agent/mcp", "/_stcore/bidi-components/x", "/api/runs",
    "/api/health", "/api/uploads", "/api/prices", "/api/runs/{run}", "/api/runs/{run}/truth", "/api/runs/{run}/stop",
)  # fmt: skip
SOCKETS = ("/_stcore/stream", "/api/live/{run}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HANDSHAKE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
REFUSED = (403, 421)


def send(server: Server, seed: int, count: int) -> Tally:
    """Sends `count` requests; each that is not turned away is a failure, and so is a run that they change."""
    tally, dice = Tally(), random.Random(seed)
    run = next((row["id"] for row in server.get("runs")), "none")
    before = server.get("runs")
    for _ in range(count):
        method, path, headers = drawn(dice, server.client.base_url.port or 80, run)
        with server.client.stream(method, path, headers=headers) as answer:  # a handshake that succeeds has no end
            said = f"{answer.status_code} to {method} {path} {headers}"
            tally.answers[str(answer.status_code)] += 1
        if answer.status_code not in REFUSED:
            tally.fail("let in", said)
    if server.get("runs") != before:
        tally.fail("changed", "the list of runs is another one now")
    return tally


def drawn(dice: random.Random, port: int, run: str) -> tuple[str, str, dict[str, str]]:
    """A method, an address and headers with a foreign host, a foreign origin or both."""
    socket = dice.random() < 0.3
    foreign = dice.choice(({"host"}, {"origin"}, {"host", "origin"}))
    names = {"host": dice.choice(HOSTS), "origin": dice.choice(ORIGINS)}
    headers = {name: value.format(port=port) for name, value in names.items() if name in foreign}
    path = dice.choice(SOCKETS if socket else PATHS).format(run=run)
    return "GET" if socket else dice.choice(METHODS), path, headers | (HANDSHAKE if socket else {})
