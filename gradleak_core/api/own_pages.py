"""The pages that are none of Streamlit's: the stage, the room and its wall. They ask for all that they show."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import Response

from gradleak_core.api.static_files import LIVE, Text, live_version
from gradleak_core.places import ASSETS

STAGE, ROOM = ASSETS / "stage", ASSETS / "room"
STYLES_OF_STAGE = (LIVE / "charts.css", LIVE / "explanation.css", STAGE / "stage.css")
STYLES_OF_ROOM = (ROOM / "room.css", ROOM / "games.css")
ICON = '<link rel="icon" href="./api/static/logo_small.svg">'


OWN = {
    "/stage": (STAGE / "stage.html", STYLES_OF_STAGE),
    "/room": (ROOM / "room.html", STYLES_OF_ROOM),
    "/wall": (ROOM / "wall.html", STYLES_OF_ROOM),
}
"""The file and the styles of each page by its path. One page each is the speaker's too, and the host's."""


async def get_own_page(request: Request) -> Response:
    """Answers with the page of a path."""
    return await make_page(*OWN[request.url.path], live_version()).answer(request, "no-cache")


@lru_cache(8)
def make_page(file: Path, styles: Sequence[Path], version: str) -> Text:
    """Returns a page with the addresses of its code and its style, which change whenever those do."""
    code = f'<script type="module" src="./api/static/live/{version}/joined/{file.stem}.js"></script>'
    page = fill_page(file, "\n  ".join((ICON, *map(link_style, styles), code)))
    return Text(page.encode(), "text/html; charset=utf-8")


def fill_page(file: Path, links: str) -> str:
    """Returns the HTML of a page whose head has these links."""
    head = Template((ASSETS / "head.html").read_text("utf-8")).substitute(links=links)
    return Template(file.read_text("utf-8")).substitute(head=head)


def link_style(file: Path) -> str:
    """Returns the link to a style in `assets/`, whose address changes with it."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f'<link rel="stylesheet" href="./api/static/{file.relative_to(ASSETS).as_posix()}?{digest}">'
