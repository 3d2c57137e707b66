"""What stands before every route, Streamlit's own included: who may ask, and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
HOST = re.compile(r"(?:\[([\da-f:.]+)\]|(\w[\w.-]*))(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
"""Matches a `Host` header: a name or an address, in brackets where it holds colons, and perhaps a port."""
NOT_OWN = (
    "This request came from another site; open GradLeak's own page instead, "
    "or start it with --allowed-origin if this is its page behind a proxy."
)
QUOTED_OF_REQUEST = 80
"""The most characters of a request that a refusal repeats."""


class Guard:
    """An application that turns away what another site's page does in a visitor's name, before any route sees it.

    Such a page has two ways to a server that only its visitor can reach. It can call the server by its name; then the
    browser says in `Origin` where the page is from, which must be the request's own scheme, host and port. Or it makes
    its own name lead here (DNS rebinding); then that name is in `Host`, which must be a loopback name, the address on
    which the connection came in, or one of `hosts`. Paths with one of `closed` in them are not there.

    `origins` are further addresses of the server's own pages, which a proxy that rewrites `Host` has hidden from it.
    Behind the guard, which alone knows them, their requests look like those of any own page.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = (), closed: Iterable[str] = (), origins: Iterable[str] = ()
    ) -> None:
        self.app, self.origins = app, frozenset(origins)
        self.hosts = {canonical(host) for host in (*LOOPBACK, *hosts)}
        self.closed = tuple(closed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None if scope["type"] == "lifespan" else self.refusal(scope)
        if refusal is None:
            await self.app(self.as_own(scope), receive, send)
        else:
            status, sentence = refusal
            await JSONResponse({"error": sentence}, status)(scope, receive, send)  # a WebSocket's handshake as well

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Returns the status and the sentence for a request that is turned away; None for one that is let in."""
        headers, path = Headers(scope=scope), scope["path"]
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.is_own_name(host, scope):
            name = host[:QUOTED_OF_REQUEST] or "a request without a host"
            return 421, f"This server does not answer to {name}; if it should, start it with --allowed-host."
        if origin not in (None, own_origin(scope), *self.origins):
            return 403, NOT_OWN
        if any(part in path for part in self.closed):
            return 404, f"There is nothing at {path[:QUOTED_OF_REQUEST]}."
        return None

    def as_own(self, scope: Scope) -> Scope:
        """Returns a request from one of `origins` as one of an own page, and any other as it is."""
        if scope["type"] == "lifespan" or Headers(scope=scope).get("origin") not in self.origins:
            return scope
        rest = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        return {**scope, "headers": [*rest, (b"origin", own_origin(scope).encode("latin-1"))]}

    def is_own_name(self, host: str, scope: Scope) -> bool:
        """Returns whether `host` is a name of this server, or the address on which the connection came in."""
        match = HOST.fullmatch(host)
        if match is None:
            return False
        name, server = canonical(match[1] or match[2]), scope.get("server")
        return name in self.hosts or (server is not None and name == canonical(server[0]))


def own_origin(scope: Scope) -> str:
    """Returns the origin of the pages that are served under the address of a request."""
    return f"{scope['scheme'].replace('ws', 'http')}://{Headers(scope=scope).get('host', '')}"


def canonical(name: str) -> str:
    """Returns the one spelling of a host's name or address: `lab.example` for `LAB.example.`, `::1` for `0:0::1`."""
    name = name.lower().rstrip(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return str(getattr(address, "ipv4_mapped", None) or address)


class WithHeaders:
    """An application whose HTTP answers have these headers, unless they set them themselves."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    present.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, answer)
