"""The files that browsers load beside the pages, and how long a browser may keep them. Imports no torch."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradleak_core.places import ASSETS

LIVE = ASSETS / "live"
OWN_PAGES = (ASSETS / "stage", ASSETS / "room")
"""The folders of the pages that are no page of Streamlit's, whose modules stand beside those of the live view."""
CODE = re.compile(r"/static/((?:js|css)/[A-Za-z0-9_.-]{1,200}\.(?:js|css))$")
MEDIA = {".js": "text/javascript", ".css": "text/css"}
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")
"""In an `accept-encoding` header: gzip, unless its quality is 0, which refuses it."""
VIEWS = ("view", "race", "explanation", "stage", "room", "wall")
FOR_EVER = "public, max-age=31536000, immutable"
IMPORT = re.compile(r'^import (?:(\{.+\}|\* as \w+) from )?"\.(?:\./\w+)?/(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (async function|function|class|const) (\w+)", re.MULTILINE)
RENAMED = re.compile(r"^export \{ (\w+) as (\w+) \};\n", re.MULTILINE)


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
    """Returns 12 hex digits that change whenever a module of the live view does, or how they are joined, for the
    modules' addresses."""
    modules = [*(file for folder in (LIVE, *OWN_PAGES) for file in sorted(folder.glob("*.js"))), Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()[:12]


def find_module(name: str) -> Path:
    """Returns the file of a module of the live view or of an own page. No two of them have the same name."""
    places = (folder / f"{name}.js" for folder in (LIVE, *OWN_PAGES))
    return next(place for place in places if place.is_file())


def module_age(scope: Scope) -> str:
    """Returns the `cache-control` of a live view's module: for ever under the current version, else not at all.

    A page that is older than the server gets today's modules, and must not keep them under the version it asked for.
    """
    current = scope["path_params"]["version"] == live_version()
    return FOR_EVER if current else "no-cache"


class Text:
    """A text that browsers are sent compressed, which is done once."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body, self.media_type = body, media_type

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.body, 6, mtime=0)

    async def answer(self, request: Request, age: str) -> Response:
        """Answers with the text under a `cache-control` header, compressed where the browser takes that."""
        headers = {"cache-control": age, "vary": "accept-encoding"}
        if not GZIP.search(request.headers.get("accept-encoding", "")):
            return Response(self.body, media_type=self.media_type, headers=headers)
        packed = await run_in_threadpool(getattr, self, "packed")
        return Response(packed, media_type=self.media_type, headers=headers | {"content-encoding": "gzip"})


class Packed:
    """Middleware that answers for the code and the style in a folder, so that they are compressed, and only once.

    A browser may keep them for ever: their names must change with what is in them.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app, self.folder = app, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = CODE.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        text = read_text(self.folder / asked[1]) if asked else None
        answer = await text.answer(Request(scope), FOR_EVER) if text else self.app
        await answer(scope, receive, send)


@lru_cache(1000)
def read_text(path: Path) -> Text | None:
    """Returns a file of code or style, or None if there is none."""
    return Text(path.read_bytes(), MEDIA[path.suffix]) if path.is_file() else None


async def get_view(request: Request) -> Response:
    """Answers with a live view as one module."""
    entry = request.path_params["entry"]
    if entry not in VIEWS:
        raise HTTPException(404)
    return await join_view(entry, live_version()).answer(request, module_age(request.scope))


@lru_cache(8)
def join_view(entry: str, version: str) -> Text:
    """Returns a module of the live view and all that it imports as one, which saves a browser some twenty requests.

    Each becomes a function that is called once, after those that it imports from, and returns what it exports.
    """
    parts: dict[str, str] = {}

    def add(name: str) -> None:
        text = find_module(name).read_text("utf-8")
        for _, imported in IMPORT.findall(text):
            if imported not in parts:
                add(imported)
        parts[name] = wrap_module(name, text)

    add(entry)
    return Text("".join((*parts.values(), f"export const {{ View }} = ${entry};\n")).encode(), "text/javascript")


def wrap_module(name: str, text: str) -> str:
    """Returns a module as the definition of `$name`, an object of what it exports."""
    body = IMPORT.sub(lambda found: f"const {found[1]} = ${found[2]};\n" if found[1] else "", text)
    body = body.replace("const * as ", "const ")
    exports = [word for _, word in EXPORT.findall(body)]
    exports += [f"{new}: {old}" for old, new in RENAMED.findall(body)]
    body = RENAMED.sub("", EXPORT.sub(r"\1 \2", body))
    return f"const ${name} = (() => {{\n{body}return {{ {', '.join(exports)} }};\n}})();\n"
