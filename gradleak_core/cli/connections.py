"""Ends HTTP connections whose client falls silent; uvicorn alone waits for the rest of a request for ever."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

BYTES_A_SECOND = 50_000
"""The bytes of a request that earn its client one second more."""


class TimedProtocol(H11Protocol):
    """An HTTP/1.1 connection whose client has `timeout_keep_alive` seconds to send a request or read on in an answer.

    uvicorn has that limit only between requests. This class also ends connections on which nothing is sent, requests
    that come in drops, and answers that nobody reads. A large upload earns time by `BYTES_A_SECOND`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.extend()
        self.look()

    def extend(self) -> None:
        """Gives the client its whole time again."""
        self.unread = self.transport.get_write_buffer_size()
        self.due = self.loop.time() + self.timeout_keep_alive

    def look(self) -> None:
        """Ends the connection if the client is overdue, else looks again when it may be."""
        unread = self.transport.get_write_buffer_size()
        asked = unread == 0 and self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if asked or unread != self.unread:
            self.extend()
        elif self.loop.time() >= self.due:
            self.transport.abort()
            return
        self.timer = self.loop.call_at(self.due, self.look)

    def data_received(self, data: bytes) -> None:
        self.due += len(data) / BYTES_A_SECOND
        super().data_received(data)

    def on_response_complete(self) -> None:
        self.extend()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self.timer.cancel()  # from here on pings tell whether the client is there
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self.timer.cancel()
        super().connection_lost(exc)
