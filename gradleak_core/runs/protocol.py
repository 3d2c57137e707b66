"""Messages between supervisor and worker, and from the hub to a browser. Imports no torch.

A pipe message is two 4-byte big-endian lengths, a JSON head and a blob; a browser message one length, head and picture.
"""

from __future__ import annotations

import asyncio
import json
import math
import struct
from typing import Any, BinaryIO

Head = dict[str, Any]
Message = tuple[Head, bytes]

LENGTHS = struct.Struct(">II")
LENGTH = struct.Struct(">I")
LIMIT = 256 * 2**20
"""The most bytes of one head or blob. More means that something else wrote into the stream."""


class Garbled(ValueError):
    """An error for a stream that does not hold messages."""


def encode(head: Head) -> bytes:
    """Returns a head as compact UTF-8 JSON. Numbers that JSON lacks (infinity, nan) become null."""
    try:
        text = json.dumps(head, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(finite(head), allow_nan=False, separators=(",", ":"))
    return text.encode()


def finite(value: Any) -> Any:
    """Returns a JSON value with null in place of every infinity and nan."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return value


def pack(head: Head, blob: bytes = b"") -> bytes:
    """Returns the bytes of a message for a pipe."""
    text = encode(head)
    return LENGTHS.pack(len(text), len(blob)) + text + blob


def lengths(prefix: bytes) -> tuple[int, int]:
    """Returns how many bytes the head and the blob of a message have. Raises `Garbled`."""
    head, blob = LENGTHS.unpack(prefix)
    if head > LIMIT or blob > LIMIT:
        raise Garbled("the stream holds something other than messages")
    return head, blob


def decode_message(text: bytes) -> Head:
    """Returns the head that a JSON text stands for. Raises `Garbled` when it is not one."""
    try:
        head = json.loads(text)
    except ValueError as error:
        raise Garbled("a head is not JSON") from error
    if not isinstance(head, dict) or "type" not in head:
        raise Garbled("a head has no type")
    return head


async def receive_message(stream: asyncio.StreamReader) -> Message | None:
    """Waits for the next message and returns it; None at the end of the stream. Raises `Garbled`."""
    try:
        head, blob = lengths(await stream.readexactly(LENGTHS.size))
        return decode_message(await stream.readexactly(head)), await stream.readexactly(blob)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def read_message(stream: BinaryIO) -> Message | None:
    """Reads the next message of a blocking stream; None at its end. Raises `Garbled`."""
    prefix = stream.read(LENGTHS.size)
    if len(prefix) < LENGTHS.size:
        return None
    head, blob = lengths(prefix)
    text, picture = stream.read(head), stream.read(blob)
    return (decode_message(text), picture) if len(text) == head and len(picture) == blob else None


def pack_live(head: Head, picture: bytes = b"") -> bytes:
    """Returns the bytes of a message for a browser."""
    text = encode(head)
    return LENGTH.pack(len(text)) + text + picture


def unpack_live(message: bytes) -> Message:
    """Returns the head and the picture of a message for a browser."""
    end = LENGTH.size + LENGTH.unpack_from(message)[0]
    return json.loads(message[LENGTH.size : end]), message[end:]
