"""The page that a browser gets first: Streamlit's own, with our word on a lost connection and a poster."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pages._parts.poster import make_poster

INDEX = re.sub(
    r'<link\s+rel="preload"[^>]*as="font"[^>]*>',
    "",
    (Path(st.__file__).parent / "static/index.html").read_text("utf-8"),
)
"""Streamlit's own page, which need not load a font that our theme does not use."""
CODE = slice(INDEX.index('<script type="module"'), INDEX.index("</head>"))
"""What of Streamlit's page asks for its code and its style."""
AT_ROOT = "window.__streamlit = { BACKEND_BASE_URL: location.origin }"
"""Tells Streamlit's client where its server is. On /runs it would first look under /runs, and meet two 404s."""
CONNECTION = '<script type="module" src="./api/static/connection.js"></script>'
"""Says in our words that the server is gone."""
POSTER = '<script type="module" src="./api/static/poster.js"></script>'
"""Takes the poster away when the Lab is there."""


def front(request: Request) -> HTMLResponse:
    """Returns Streamlit's own page for a direct address of one of ours, with our word on a lost connection.

    The bare address of a first visit has the poster before it, which is seen at once.
    """
    where = "" if request.url.path == "/" else f"<script>{AT_ROOT}</script>"
    first = request.url.path == "/" and not request.url.query
    page = with_poster() if first else INDEX
    return HTMLResponse(page.replace("<head>", f"<head>{where}{CONNECTION}"), headers={"cache-control": "no-cache"})


@lru_cache(1)
def with_poster() -> str:
    """Returns Streamlit's page with the poster before all that it asks for, which would delay it."""
    page = INDEX.replace(INDEX[CODE], "")
    return page.replace("<body>", f"<body>{make_poster()}{POSTER}{INDEX[CODE]}")


def policy() -> str:
    """Returns a content security policy for Streamlit, which allows its inline script and ours by their hashes."""
    inline = [AT_ROOT, *re.findall(r"<script>(.*?)</script>", INDEX, re.DOTALL)]
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
        "frame-ancestors 'none'",
    ))  # fmt: skip


HEADERS = {
    "content-security-policy": policy(),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
