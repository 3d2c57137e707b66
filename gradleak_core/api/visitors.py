"""Gives every browser the cookie by which its person is known, with the page that it asks for. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradleak_core.people.cookies import cookie_header
from gradleak_core.people.register import People, is_loopback

NOT_DECIDED = (
    "This server was started for one machine, and listens on more; its operator has to set GRADLEAK_OPEN to yes, for "
    "everybody to do everything, or to no."
)


class Visitors:
    """Middleware that sets the cookie of a person on the answers of `pages`, the paths below which nothing lies.

    A browser whose own is valid is sent none. On an open server, without `people`, nobody is. `framed` says that other
    sites may show the pages in a frame, and `https` that browsers have them over https although a proxy hides it.
    `alone` says that the server is open only because it was thought to listen on loopback: then it turns away whoever
    comes in elsewhere.
    """

    def __init__(
        self,
        app: ASGIApp,
        people: People | None,
        pages: Collection[str],
        *,
        framed: bool = False,
        https: bool = False,
        alone: bool = False,
    ) -> None:
        self.app, self.people, self.pages = app, people, frozenset(pages)
        self.framed, self.https, self.alone = framed, https, alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.alone and scope["type"] != "lifespan" and came_from_afar(scope):
            await JSONResponse({"error": NOT_DECIDED}, 403)(scope, receive, send)
            return
        page = self.people is not None and scope["type"] == "http" and scope["path"] in self.pages
        value = self.people.renew(Request(scope).cookies) if page and self.people else None
        if value is None or self.people is None:
            await self.app(scope, receive, send)
            return
        secure = self.https or scope["scheme"] == "https"
        cookie = cookie_header(self.people.cookies.name, value, secure=secure, framed=self.framed)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["cache-control"] = "private, no-store"  # or whoever it is stored for would share this cookie
                headers.append("set-cookie", cookie)
            await send(message)

        await self.app(scope, receive, answer)


def came_from_afar(scope: Scope) -> bool:
    """Returns whether a connection came in on an address that other machines can reach."""
    server = scope.get("server")
    return server is not None and server[1] is not None and not is_loopback(server[0])
