"""Reading of requests: the service behind them, numbers in their addresses, bodies of a bounded size."""

from __future__ import annotations

import json
from typing import IO, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.websockets import WebSocket

from gradleak_core.data.uploads import LARGE_FILE, MEGABYTES
from gradleak_core.runs.service import Service
from gradleak_core.types import Refused

JSON_BYTES = 256 * 2**10
"""The most bytes that a JSON body may have."""


def service_of(request: Request | WebSocket) -> Service:
    """Returns the service that the application was made with."""
    service: Service = request.app.state.service
    return service


def whole_number(text: str) -> int:
    """Returns the whole number that a text stands for; -1 for any other text and from ten digits on."""
    return int(text) if text.isdecimal() and len(text) < 10 else -1


async def read_body(request: Request, limit: int) -> bytes:
    """Returns the body of a request. Raises HTTPException 413 above `limit` bytes."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise too_large(limit)
    return bytes(data)


def too_large(limit: int) -> HTTPException:
    """Returns the 413 for a body of more than `limit` bytes."""
    return HTTPException(413, f"The request is larger than {limit // 1024} kB; send less.")


async def read_json_body(request: Request, *names: str) -> dict[str, Any]:
    """Returns the JSON object in a request's body; an empty one without a body.

    Raises `Refused` when it is no JSON object or has other names than these, and HTTPException 413 or 415 for a body
    that is too large or of another type.
    """
    text = await read_body(request, JSON_BYTES)
    if not text:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "Send the body as application/json.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise Refused("The body is not valid JSON.") from reason
    if not isinstance(value, dict) or not value.keys() <= {*names}:
        raise Refused(f"The body must be a JSON object with {' and '.join(names) or 'nothing in it'}.")
    return value


async def receive_picture(request: Request, file: IO[bytes]) -> None:
    """Writes the body of a request to a file. Raises HTTPException 413 when it is larger than a picture may be."""
    limit = (MEGABYTES + 1) * 2**20
    async for chunk in request.stream():
        file.write(chunk)
        if file.tell() > limit:
            raise HTTPException(413, LARGE_FILE)
