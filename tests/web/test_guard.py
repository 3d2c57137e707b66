"""Hosts and origins as the guard sees them, before a small application; the real one is in test_doors.py."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gradleak_core.api.guard import Guard

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BOUND = ("10.1.2.3", 8501)
"""Where the connections of these tests come in."""
Ask = Callable[..., int]


async def let_in(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(Headers(scope=scope).get("origin"))(scope, receive, send)


GUARD = Guard(
    let_in, hosts=["lab.example", "2001:DB8::1"], closed=["/_stcore/metrics"], origins=["https://public.example"]
)


def answer(scheme: str, path: str = "/page", method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """Status and body with which one request, or a WebSocket's handshake, is answered."""
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        raise AssertionError("the guard reads no body")

    scope: Any = {
        "type": "websocket" if scheme.startswith("ws") else "http",
        "scheme": scheme,
        "method": method,
        "path": path,
        "server": BOUND,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(GUARD(scope, receive, send))
    return said[0]["status"], said[1]["body"]


@pytest.fixture(params=["http", "ws"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return lambda path="/page", **headers: answer(request.param, path, **headers)[0]


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LocalHost:8501", "localhost.", "127.0.0.1:9000", "[::1]", "[0:0::1]:80", "[::ffff:127.0.0.1]"),
        *("10.1.2.3:8501", "10.1.2.3", "lab.example", "Lab.Example.:443", "[2001:db8:0::1]:8501"),
    ],
)
def test_its_own_names_are_served(ask: Ask, host: str) -> None:
    assert ask(host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example", "my.lab.example"),
        *("10.1.2.4", "[2001:db8::2]", "0.0.0.0", "127.1", "2130706433", "", ".", ":8501", "localhost:", "::1", "[::1"),
        *("user@localhost", "localhost/evil.example", "localhost:8501:80", "localhost:x", "localhost, evil.example"),
    ],
)
def test_any_other_name_is_misdirected(ask: Ask, host: str) -> None:
    assert ask(host=host) == 421


@pytest.mark.parametrize("host", ["localhost:8501", "lab.example"])
def test_its_own_pages_are_let_in(ask: Ask, host: str) -> None:
    assert ask(host=host, origin=f"http://{host}") == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "", "http://localhost", "http://localhost:3000", "http://127.0.0.1:8501"),
        *(
            "https://localhost:8501",
            "ws://localhost:8501",
            "http://localhost:8501/",
            "http://localhost:8501.evil.example",
        ),
    ],
)
def test_any_other_page_is_turned_away(ask: Ask, origin: str) -> None:
    assert ask(host="localhost:8501", origin=origin) == 403


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_the_scheme_is_part_of_the_origin(scheme: str) -> None:
    assert answer(scheme, host="lab.example", origin="https://lab.example")[0] == 200
    assert answer(scheme, host="lab.example", origin="http://lab.example")[0] == 403


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_page_behind_a_proxy_that_rewrites_the_host_is_own(scheme: str) -> None:
    public = {"host": "localhost:8501", "origin": "https://public.example"}
    assert answer(scheme, **public) == (200, b"http://localhost:8501")
    assert answer(scheme, **public | {"host": "evil.example"})[0] == 421
    for origin in ("http://public.example", "https://public.example:8443", "https://public.example.evil.example"):
        assert answer(scheme, **public | {"origin": origin})[0] == 403


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_guarded(method: str) -> None:
    asked = [{"host": "localhost"}, {"host": "evil.example"}, {"host": "localhost", "origin": "http://evil.example"}]
    assert [answer("http", method=method, **headers)[0] for headers in asked] == [200, 421, 403]


def test_what_is_closed_is_not_there(ask: Ask) -> None:
    found = [ask(path, host="localhost") for path in ("/_stcore/metrics", "/below/_stcore/metrics", "/_stcore/health")]
    assert found == [404, 404, 200]


def test_a_refusal_says_what_to_do_and_repeats_little() -> None:
    _, body = answer("http", host="x" * 5000 + ".example")
    assert "start it with --allowed-host" in json.loads(body)["error"]
    assert len(body) < 300


def test_a_request_without_a_host_is_misdirected() -> None:
    assert answer("http")[0] == 421
