"""The page that a browser gets first: Streamlit's own, with our word on a lost connection and a poster."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from string import Template

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response

from gradleak_core.api.static_files import Text, live_version
from gradleak_core.languages import LANGUAGES
from gradleak_core.places import ASSETS
from gradleak_core.runs.exports.recorded import from_data_url, open_readable
from gradleak_core.translating import translate_to
from pages._parts.pictures import encoded, joined

INDEX = re.sub(
    r'<link\s+rel="preload"[^>]*as="font"[^>]*>',
    "",
    (Path(st.__file__).parent / "static/index.html").read_text("utf-8"),
)
"""Streamlit's own page, which need not load a font that our theme does not use."""
CODE = slice(INDEX.index('<script type="module"'), INDEX.index("</head>"))
"""What of Streamlit's page asks for its code and its style."""
COLOURS = ("primaryColor", "backgroundColor", "secondaryBackgroundColor", "textColor")
THEMES = {
    f"{name.upper()}_THEME": {"bodyFont": st.get_option("theme.font")}
    | {key: st.get_option(f"theme.{name}.{key}") for key in COLOURS}
    for name in ("light", "dark")
}
"""What Streamlit's client has to know of our themes before its server has told it."""
SETTINGS = (
    "window.__streamlit = { BACKEND_BASE_URL: new URL('.', location).href, "
    f"HOST_CONFIG: {{ allowedOrigins: [location.origin], useExternalAuthToken: false }}, ...{json.dumps(THEMES)} }}"
)
"""Tells Streamlit's client where its server is: beside the page, whatever path a proxy has put before it. On /runs it
would look under /runs, and meet two 404s. Tells it also with whom it may talk, so that it need not ask before it
connects, and in which colours and letters it begins, which spares a font that our theme does not use."""
GONE = "The server does not answer. What you see stays; the page loads again by itself when the server is back."
CONNECTION = (
    (ASSETS / "connection.js")
    .read_text("utf-8")
    .replace("OTHERS = {}", f"OTHERS = {json.dumps({code: translate_to(code, GONE) for code in LANGUAGES})}", 1)
)
"""Says in our words that the server is gone, in the language of the address."""
POSTER = (ASSETS / "poster.js").read_text("utf-8")
"""Takes the poster away when the Lab is there."""
MENU = "<style>@media (width < 1440px) { [data-testid=stTopNavLink] > :not([label]) { display: none } }</style>"
"""Hides the icons of the menu on screens where it would not fit beside the sidebar with them."""
FRAMES = 24
"""The pictures of the poster's film, from the first guess on."""
AHEAD = f'<link rel="modulepreload" href="./api/static/live/{live_version()}/joined/'
"""Has a live view loaded while Streamlit starts."""


async def front(request: Request) -> Response:
    """Answers with Streamlit's own page for a direct address of one of ours, with our word on a lost connection.

    The bare address of a first visit has the poster before it, which is seen at once.
    """
    lab, query = request.url.path == "/", request.query_params
    ahead = f'{AHEAD}{"race" if "race" in query or "lane" in query else "view"}.js">' if lab else ""
    return await make_page(ahead, lab and not query).answer(request, "no-cache")


@lru_cache(4)
def make_page(ahead: str, first: bool) -> Text:
    """Returns Streamlit's page with what to load ahead. The first has the poster before all that would delay it."""
    page = INDEX.replace("<head>", f"<head><script>{SETTINGS}</script>{script(CONNECTION)}{MENU}{ahead}")
    if first:
        page = page.replace(INDEX[CODE], "")
        page = page.replace("<body>", f"<body>{make_poster()}{script(POSTER)}{INDEX[CODE]}")
    return Text(page.encode(), "text/html; charset=utf-8")


def make_poster() -> str:
    """Returns the poster as HTML with its own style and no script. It plays without one, however busy the page is."""
    recording = json.loads((ASSETS / "recordings" / "first.json").read_text(encoding="utf-8"))
    frames = [open_readable(from_data_url(frame["picture"])) for frame in recording["frames"][:FRAMES]]
    return Template((ASSETS / "poster.html").read_text(encoding="utf-8")).substitute(
        truth=recording["truth"],
        film=encoded(joined(frames), quality=80),
        frames=len(frames),
        travel=100 * (1 - 1 / len(frames)),
    )


def script(text: str) -> str:
    """Returns a module that stands in the page itself and so need not be asked for."""
    return f'<script type="module">{text}</script>'


def policy(frames: Sequence[str]) -> str:
    """Returns a content security policy for Streamlit, which allows its inline script and ours by their hashes.

    `frames` are the origins of the pages that may show the dashboard in a frame.
    """
    inline = [SETTINGS, CONNECTION, POSTER, *re.findall(r"<script>(.*?)</script>", INDEX, re.DOTALL)]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    return "; ".join((
        "default-src 'self'",
        " ".join(("script-src 'self' blob:", *(f"'sha256-{digest}'" for digest in hashes))),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data:",  # data: for st.camera_input, which fetches its own picture
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        " ".join(("frame-ancestors", *(frames or ("'none'",)))),
    ))  # fmt: skip


def headers(frames: Sequence[str] = ()) -> dict[str, str]:
    """Returns the headers of every answer, where pages of the origins `frames` may show the dashboard in a frame."""
    return {
        "content-security-policy": policy(frames),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
        "cross-origin-opener-policy": "same-origin",
    }
