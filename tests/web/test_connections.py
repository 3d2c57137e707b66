"""Connections whose clients fall silent, on uvicorn as `serve` sets it up, with a limit of half a second."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from gradleak_core.api import BROKEN_OFF, answer_with
from gradleak_core.cli.connections import BYTES_A_SECOND, TimedProtocol
from tests.runs.serving import until

LIMIT = 0.5
HEAD = b"POST /body HTTP/1.1\r\nhost: localhost\r\n"
HALF_OPEN = {
    "nothing": b"",
    "half of the first line": HEAD[:5],
    "half of the head": HEAD,
    "half of the body": HEAD + b"content-length: 1000\r\n\r\n" + bytes(10),
    "a second request's half": b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\nGET /slow",
    "a handshake's half": b"GET /socket HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
}
MEGABYTES = 20
"""Of an answer: more than the system takes in by itself for a client that does not read."""


async def body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def slow(request: Request) -> Response:
    await run_in_threadpool(time.sleep, 2.5 * LIMIT)
    return PlainTextResponse("at last")


async def large(request: Request) -> Response:
    return Response(bytes(MEGABYTES * 2**20))


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


@pytest.fixture(scope="module")
def web() -> Iterator[uvicorn.Server]:
    routes = [Route("/body", body, methods=["POST"]), Route("/slow", slow), Route("/large", large)]
    app = Starlette(
        routes=[*routes, WebSocketRoute("/socket", echo)],
        exception_handlers={ClientDisconnect: answer_with(400, BROKEN_OFF)},
    )
    settings = uvicorn.Config(app, http=TimedProtocol, timeout_keep_alive=LIMIT, ws="websockets-sansio", port=0)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server
    server.should_exit = True
    thread.join()


@contextlib.contextmanager
def client(web: uvicorn.Server, said: bytes = b"") -> Iterator[socket.socket]:
    """A connection on which this has been said, and nothing since."""
    with socket.create_connection(web.servers[0].sockets[0].getsockname(), timeout=30) as opened:
        opened.sendall(said)
        yield opened


def ended(opened: socket.socket) -> bytes:
    """What the server says until it closes the connection; a test in which it never does times out."""
    said = bytearray()
    with contextlib.suppress(ConnectionError):
        while chunk := opened.recv(65536):
            said += chunk
    return bytes(said)


def drip(opened: socket.socket) -> None:
    for _ in range(300):
        opened.sendall(b".")
        time.sleep(0.1)


@pytest.mark.parametrize("half", HALF_OPEN)
def test_half_open_connections_are_closed(web: uvicorn.Server, half: str) -> None:
    with contextlib.ExitStack() as crowd:
        opened = [crowd.enter_context(client(web, HALF_OPEN[half])) for _ in range(40)]
        assert {ended(one)[-7:] for one in opened} <= {b"", b"at last"}
    until(lambda: not web.server_state.connections)


def test_a_request_by_drops_is_closed(web: uvicorn.Server) -> None:
    with client(web, HEAD + b"content-length: 1000\r\n\r\n") as opened, pytest.raises(ConnectionError):
        drip(opened)


def test_an_answer_that_nobody_reads_is_given_up(web: uvicorn.Server) -> None:
    with client(web, b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n"):
        until(lambda: web.server_state.connections)
        until(lambda: not web.server_state.connections)


def test_an_answer_that_is_read_slowly_arrives(web: uvicorn.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web.config, "timeout_keep_alive", 4 * LIMIT)  # so that a busy machine does not stop the reader
    with client(web, b"GET /large HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n") as opened:
        read = 0
        for _ in range(12):
            time.sleep(LIMIT / 2)
            read += len(opened.recv(1_500_000, socket.MSG_WAITALL))
        assert read + len(ended(opened)) > MEGABYTES * 2**20


def test_an_upload_that_keeps_coming_arrives(web: uvicorn.Server) -> None:
    whole = 4 * BYTES_A_SECOND
    with client(web, HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % whole) as opened:
        for _ in range(20):
            opened.sendall(bytes(whole // 20))
            time.sleep(0.1 * LIMIT)
        assert ended(opened).endswith(str(whole).encode())


def test_the_server_itself_may_take_its_time(web: uvicorn.Server) -> None:
    with client(web, b"GET /slow HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n") as opened:
        assert ended(opened).endswith(b"at last")


def test_a_socket_may_be_silent(web: uvicorn.Server) -> None:
    host, port = web.servers[0].sockets[0].getsockname()
    with connect(f"ws://{host}:{port}/socket") as viewer:
        time.sleep(2.5 * LIMIT)
        viewer.send("still here")
        assert viewer.recv(timeout=30) == "still here"
