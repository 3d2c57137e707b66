"""Reading of requests: the service behind them, numbers in their addresses, bodies of a bounded size."""

from __future__ import annotations

import io
import json
from typing import IO, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.websockets import WebSocket

from gradleak_core.languages import LANGUAGES, say, use_language
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.rooms import NO_ROOM
from gradleak_core.runs.service import Service
from gradleak_core.types import Refused

JSON_BYTES = 256 * 2**10
"""The most bytes that a JSON body may have."""


def service_of(request: Request | WebSocket) -> Service:
    """Returns the service that the application was made with, as whoever asks may use it."""
    service: Service = request.app.state.service
    return service if service.people is None else service.seen_by(service.people.asker(request.cookies))


def part_of_room(request: Request, name: str) -> Any:
    """Returns a part of this server's room, its `hall` or its `desk`. Raises `NoRun` where there is no room.

    From here on the request is answered in the language that its address names.
    """
    code = request.query_params.get("lang", "")
    use_language(code if code in LANGUAGES else "")
    part = getattr(request.app.state.service, name, None)
    if part is None:
        raise NoRun(say(NO_ROOM))
    return part


def whole_number(text: str) -> int:
    """Returns the whole number that a text stands for; -1 for any other text and from ten digits on."""
    return int(text) if text.isdecimal() and len(text) < 10 else -1


async def receive_body(request: Request, file: IO[bytes], limit: int, refusal: str) -> None:
    """Writes the body of a request to a file. Raises HTTPException 413 with the refusal above `limit` bytes."""
    async for chunk in request.stream():
        file.write(chunk)
        if file.tell() > limit:
            raise HTTPException(413, refusal)


async def read_json_body(request: Request, *names: str) -> dict[str, Any]:
    """Returns the JSON object in a request's body; an empty one without a body.

    Raises `Refused` when it is no JSON object or has other names than these, and HTTPException 413 or 415 for a body
    that is too large or of another type.
    """
    body = io.BytesIO()
    await receive_body(request, body, JSON_BYTES, f"The request is larger than {JSON_BYTES // 1024} kB; send less.")
    text = body.getvalue()
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
