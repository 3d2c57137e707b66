"""A server below a path of its address, such as http://host/gl/. Every address that a page asks for is relative."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGIN = "/auth/"
"""What the paths begin with from which Streamlit leads to a provider of logins."""


class Under:
    """Middleware that serves an application under a path, whether a proxy before it keeps that path or strips it.

    The path is `base`, or else the one that an ASGI server was told to serve under. Requests without it are answered as
    well. A redirect is sent relative to the address of the request, so that it holds whatever a proxy puts before it.
    """

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app, self.base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        base = self.base or scope.get("root_path", "")
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif base and scope["path"] == base and scope["type"] == "http":
            home = with_query(f"./{base.rpartition('/')[2]}/", scope["query_string"].decode("latin-1"))
            await RedirectResponse(home)(scope, receive, send)
        else:
            await self._pass_on(base, scope, receive, send)

    async def _pass_on(self, base: str, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(f"{base}/"):
            path = path.removeprefix(base)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    headers["location"] = relative(headers["location"], path, Headers(scope=scope).get("host", ""))
            await send(message)

        await self.app({**scope, "path": path, "root_path": ""}, receive, answer)


def relative(location: str, path: str, host: str) -> str:
    """Returns where a redirect from `path` leads on this `host`, as an address relative to it.

    One to somewhere else stays as it is, and so does one of a login, whose provider may be on the same host.
    """
    there = urlsplit(location)
    elsewhere = there.netloc and (there.netloc != host or path.startswith(LOGIN))
    if elsewhere or not (there.netloc or location.startswith("/")):
        return location
    return with_query("./" + "../" * (path.count("/") - 1) + there.path.lstrip("/"), there.query)


def with_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
