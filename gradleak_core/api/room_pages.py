"""The pages of a room: for phones and the host, and for the big screen. They ask for all that they show."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from string import Template

from starlette.requests import Request
from starlette.responses import Response

from gradleak_core.api.static_files import Text, live_version
from gradleak_core.places import ASSETS

ROOM_ASSETS = ASSETS / "room"
ROOM_STYLES = ("room.css", "games.css")


async def get_room_page(request: Request) -> Response:
    """Answers with the page of a student, which is the host's in the host's browser."""
    return await make_room_page("room", live_version()).answer(request, "no-cache")


async def get_wall_page(request: Request) -> Response:
    """Answers with the page of the big screen."""
    return await make_room_page("wall", live_version()).answer(request, "no-cache")


@lru_cache(4)
def make_room_page(name: str, version: str) -> Text:
    """Returns a page with the addresses of its code and its style, which change whenever those do."""
    links = []
    for style in ROOM_STYLES:
        digest = hashlib.sha256((ROOM_ASSETS / style).read_bytes()).hexdigest()[:12]
        links.append(f'<link rel="stylesheet" href="./api/static/room/{style}?{digest}">')
    page = Template((ROOM_ASSETS / f"{name}.html").read_text("utf-8"))
    return Text(page.substitute(version=version, styles="".join(links)).encode(), "text/html; charset=utf-8")
