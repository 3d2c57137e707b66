"""HTTP and WebSocket routes beside the pages; see docs/architecture.md. Imports no torch and no streamlit."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import importlib.metadata
import importlib.util
import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gradleak_core.config.schemas import short
from gradleak_core.data.decoder import Busy
from gradleak_core.data.uploads import MEGABYTES
from gradleak_core.guard import WithHeaders
from gradleak_core.runs.recording import media_type
from gradleak_core.runs.room import Unreadable, Unwritable, writing
from gradleak_core.runs.service import STARTING, NoRun, NotReady, Service
from gradleak_core.types import Refused

ASSETS = Path(__file__).parents[1] / "assets"
LIVE = ASSETS / "live"
JSON_BYTES = 256 * 2**10
"""Bytes of a JSON body at most."""
ARRIVAL = 60
"""Seconds that a picture may take to arrive."""
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
IMMUTABLE = {"cache-control": "private, max-age=31536000, immutable"}
UNKNOWN_RUN = 4404
"""WebSocket close code: there is no such run (any more)."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def api(service: Service) -> Starlette:
    """Returns the application to mount under /api, behind a `Guard`."""
    routes = [
        Route("/health", to_json(service.health)),
        Route("/catalogue", get_catalogue),
        Route("/runs", runs, methods=["GET", "POST"]),
        Route("/runs/{run}", one_run, methods=["GET", "PATCH", "DELETE"]),
        Route("/runs/{run}/truth", truth),
        Route("/runs/{run}/thumbnail", thumbnail),
        Route("/runs/{run}/frames/{iteration}", get_frame),
        Route("/runs/{run}/recording", get_recording),
        Route("/runs/{run}/export.zip", export),
        Route("/runs/{run}/{command}", command, methods=["POST"]),
        Route("/prices", prices, methods=["POST"]),
        Route("/prices/{price}", one_price),
        Route("/prices/{price}/stop", stop_price, methods=["POST"]),
        Route("/uploads", upload, methods=["POST"]),
        Route("/plotly.js", plotly),
        Mount("/static/live/{version}", Cached(StaticFiles(directory=LIVE, check_dir=False), module_age)),
        Mount("/static", Cached(StaticFiles(directory=ASSETS, check_dir=False), lambda _: "public, max-age=3600")),
        WebSocketRoute("/live/{run}", stream_live),
    ]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(WithHeaders, headers=HEADERS)],
        exception_handlers={
            Busy: says(429), Refused: says(422), Unwritable: says(507), Unreadable: says(503),
            NoRun: says(404), NotReady: says(503),
            HTTPException: http_error, ClientDisconnect: gone, Exception: broken,
        },
    )  # fmt: skip
    application.state.service = service
    return application


class Cached:
    """Files with a word on how long browsers may keep them, which `age` says."""

    def __init__(self, app: ASGIApp, age: Callable[[Scope], str]) -> None:
        self.app = app
        self.age = age

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_age(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 206, 304):
                MutableHeaders(scope=message)["cache-control"] = self.age(scope)
            await send(message)

        await self.app(scope, receive, with_age)


def live_version() -> str:
    """Returns a text that changes whenever a module of the live view does; it is part of the modules' addresses."""
    modules = sorted(LIVE.glob("*.js"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()[:12]


def module_age(scope: Scope) -> str:
    """For ever under its own version. A page that is older than the server gets today's modules, and may not keep them
    under the version that it asked for."""
    current = scope["path_params"]["version"] == live_version()
    return "public, max-age=31536000, immutable" if current else "no-cache"


def error(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)


def says(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, exception: Exception) -> Response:
        return error(status, str(exception))

    return answer


async def http_error(request: Request, exception: Exception) -> Response:
    assert isinstance(exception, HTTPException)
    sentences = {404: f"There is nothing at {short(request.url.path)}.", 405: f"{request.method} is not possible here."}
    sentence = sentences.get(exception.status_code, exception.detail)
    return JSONResponse({"error": sentence}, exception.status_code, exception.headers)


async def gone(request: Request, exception: Exception) -> Response:
    return error(400, "The request broke off; send it again.")


async def broken(request: Request, exception: Exception) -> Response:
    return error(500, "Something went wrong in the server; its log says what.")


def service_of(request: Request | WebSocket) -> Service:
    service: Service = request.app.state.service
    return service


class PiecewiseJSON(JSONResponse):
    """JSON that is made value by value; made in one call, however quick, it would hold up every other thread."""

    def render(self, content: Any) -> bytes:
        return "".join(ENCODER.iterencode(content)).encode()


async def in_json(function: Callable[..., Any], *values: Any) -> Response:
    """What `function` returns, found and written as JSON in a thread, however long it is."""
    return await run_in_threadpool(lambda: PiecewiseJSON(function(*values)))


def to_json(function: Callable[..., Any]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await in_json(function)

    return answer


async def body(request: Request, limit: int) -> bytes:
    """The request's body. Raises a 413 above `limit` bytes."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise too_large(limit)
    return bytes(data)


def too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The request is larger than {limit // 1024} kB; send less.")


async def json_body(request: Request, *names: str) -> dict[str, Any]:
    """A JSON object with no other names than these; empty without a body. Raises `Refused`, or a 413 or 415."""
    text = await body(request, JSON_BYTES)
    if not text:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Send the body as application/json.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise Refused("The body is not valid JSON.") from reason
    if not isinstance(value, dict) or not value.keys() <= {*names}:
        raise Refused(f"The body must be a JSON object with {' and '.join(names) or 'nothing in it'}.")
    return value


async def get_catalogue(request: Request) -> Response:
    known = service_of(request).catalogue()
    if known is None:
        raise NotReady(STARTING)
    return JSONResponse(known)


async def runs(request: Request) -> Response:
    service = service_of(request)
    if request.method != "POST":
        return await in_json(service.runs)
    sent = await json_body(request, "experiment", "name")
    run = await run_in_threadpool(service.submit, sent.get("experiment"), sent.get("name"))
    return JSONResponse({"id": run}, 201)


async def one_run(request: Request) -> Response:
    service, run = service_of(request), request.path_params["run"]
    if request.method == "DELETE":
        await run_in_threadpool(service.delete, run)
        return Response(status_code=204)
    if request.method == "PATCH":
        sent = await json_body(request, "name")
        await run_in_threadpool(service.rename, run, sent.get("name", ""))
    return JSONResponse(await run_in_threadpool(service.run, run))


async def command(request: Request) -> Response:
    service, run, word = service_of(request), request.path_params["run"], request.path_params["command"]
    if word == "step":
        sent = await json_body(request, "iterations")
        await run_in_threadpool(service.step, run, sent.get("iterations", 1))
    elif word == "pace":
        sent = await json_body(request, "per_second")
        await run_in_threadpool(service.pace, run, sent.get("per_second"))
    elif word in ("pause", "resume", "stop"):
        await json_body(request)
        await run_in_threadpool(getattr(service, word), run)
    else:
        raise HTTPException(404)
    return JSONResponse({}, 202)


async def truth(request: Request) -> Response:
    return image(await run_in_threadpool(service_of(request).truth, request.path_params["run"]))


async def get_frame(request: Request) -> Response:
    run, iteration = request.path_params["run"], whole_number(request.path_params["iteration"])
    return image(await run_in_threadpool(service_of(request).picture, run, iteration))


def whole_number(text: str) -> int:
    """Returns the number that a text of an address stands for, -1 for any other text and for what no run reaches."""
    return int(text) if text.isdecimal() and len(text) < 10 else -1


async def thumbnail(request: Request) -> Response:
    """The last picture; it changes until the run has ended."""
    service, run = service_of(request), request.path_params["run"]
    row = await run_in_threadpool(service.run, run)
    picture = await run_in_threadpool(service.picture, run, None)
    return image(picture, lasting=row["status"] not in ("queued", "running", "paused"))


def image(picture: bytes, *, lasting: bool = True) -> Response:
    headers = IMMUTABLE if lasting else {"cache-control": "no-store"}
    return Response(picture, media_type=media_type(picture), headers=headers)


async def get_recording(request: Request) -> Response:
    return await in_json(service_of(request).recording, request.path_params["run"])


async def export(request: Request) -> Response:
    run = request.path_params["run"]
    data = await run_in_threadpool(service_of(request).export, run)
    headers = {"content-disposition": f'attachment; filename="gradleak-{run}.zip"'}
    return Response(data, media_type="application/zip", headers=headers)


async def prices(request: Request) -> Response:
    sent = await json_body(request, "experiment", "defences", "federation")
    parts = (sent.get(name) for name in ("experiment", "defences", "federation"))
    price = await run_in_threadpool(service_of(request).start_price, *parts)
    return JSONResponse({"id": price}, 201)


async def one_price(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(service_of(request).price, request.path_params["price"]))


async def stop_price(request: Request) -> Response:
    await json_body(request)
    await run_in_threadpool(service_of(request).stop_price, request.path_params["price"])
    return JSONResponse({}, 202)


async def upload(request: Request) -> Response:
    """Waits for the whole picture on disk, so that the process stays small whatever is sent."""
    pictures = service_of(request).pictures
    with writing(), pictures.decoder.place(), tempfile.TemporaryFile() as file:
        try:
            await asyncio.wait_for(receive_upload(request, file), ARRIVAL)
        except asyncio.TimeoutError:
            raise HTTPException(408, "The picture took too long to arrive; try again.") from None
        return JSONResponse(await run_in_threadpool(pictures.take, file), 201)


async def receive_upload(request: Request, file: IO[bytes]) -> None:
    """Writes the request's body to a file. Raises a 413 above the limit."""
    limit = (MEGABYTES + 1) * 2**20  # the check itself says what its limit is
    async for chunk in request.stream():
        file.write(chunk)
        if file.tell() > limit:
            raise too_large(limit)


async def plotly(request: Request) -> Response:
    """The installed package's bundle, compressed once."""
    version = f'"{importlib.metadata.version("plotly")}"'
    headers = {"etag": version, "cache-control": "public, max-age=604800", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(plotly_file().read_bytes(), media_type="text/javascript", headers=headers)
    packed = await run_in_threadpool(compressed_plotly)
    return Response(packed, media_type="text/javascript", headers=headers | {"content-encoding": "gzip"})


@lru_cache(1)
def compressed_plotly() -> bytes:
    return gzip.compress(plotly_file().read_bytes(), 6, mtime=0)


def plotly_file() -> Path:
    found = importlib.util.find_spec("plotly")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


async def stream_live(socket: WebSocket) -> None:
    """Everything the viewer has not seen, now and whenever there is more; closes when the run is over."""
    await socket.accept()
    trace = await service_of(socket).watch(socket.path_params["run"])
    if trace is None:
        await socket.close(UNKNOWN_RUN, "There is no such run; it may have been deleted.")
        return
    showing = asyncio.create_task(show(socket, trace, whole_number(socket.query_params.get("seen", "0"))))
    leaving = asyncio.create_task(left(socket))
    done, pending = await asyncio.wait({showing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if showing in done and showing.result():
        deleted = trace.head["status"] == "deleted"
        with suppress(WebSocketDisconnect, RuntimeError):  # the viewer may have gone at the same moment
            await socket.close(UNKNOWN_RUN if deleted else 1000, trace.message or "" if deleted else "")


async def show(socket: WebSocket, trace: Any, seen: int) -> bool:
    """Whether the run was followed to its end, and not the viewer lost."""
    thin = True
    try:
        while True:
            changed, over, last = trace.changed, trace.over, trace.last
            await socket.send_bytes(trace.since(seen, thin=thin))
            if over:
                return True
            seen, thin = last, False
            await changed.wait()
    except (WebSocketDisconnect, RuntimeError):
        return False


async def left(socket: WebSocket) -> None:
    """Returns when the viewer goes away."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
