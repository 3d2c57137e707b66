"""The files that browsers load beside the pages, and how long a browser may keep them. Imports no torch."""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).parents[2] / "assets"
LIVE = ASSETS / "live"


class Cached:
    """An application whose successful answers carry the `cache-control` header that `age` gives for the request."""

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
    """Returns 12 hex digits that change whenever a module of the live view does, for the modules' addresses."""
    modules = sorted(LIVE.glob("*.js"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()[:12]


def module_age(scope: Scope) -> str:
    """Returns the `cache-control` of a live view's module: for ever under the current version, else not at all.

    A page that is older than the server gets today's modules, and must not keep them under the version it asked for.
    """
    current = scope["path_params"]["version"] == live_version()
    return "public, max-age=31536000, immutable" if current else "no-cache"


async def get_plotly(request: Request) -> Response:
    """Answers with the bundle of the installed Plotly package, which is compressed once."""
    version = f'"{importlib.metadata.version("plotly")}"'
    headers = {"etag": version, "cache-control": "public, max-age=604800", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == version:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(plotly_file().read_bytes(), media_type="text/javascript", headers=headers)
    packed = await run_in_threadpool(compress_plotly)
    return Response(packed, media_type="text/javascript", headers=headers | {"content-encoding": "gzip"})


@lru_cache(1)
def compress_plotly() -> bytes:
    return gzip.compress(plotly_file().read_bytes(), 6, mtime=0)


def plotly_file() -> Path:
    found = importlib.util.find_spec("plotly")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "package_data" / "plotly.min.js"
