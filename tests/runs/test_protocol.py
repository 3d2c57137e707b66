"""Messages arrive as they were sent, and anything else is noticed."""

from __future__ import annotations

import asyncio
import io
import json
import math

import pytest

from gradleak_core.runs.protocol import Garbled, Message, pack, pack_live, read_message, receive_message, unpack_live

HEAD = {"type": "frame", "curve": {"distance": [1.5, 2]}, "name": "ein Bär · 熊"}


async def received(data: bytes) -> list[Message]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    messages = []
    while message := await receive_message(stream):
        messages.append(message)
    return messages


def test_both_readers_give_what_was_sent() -> None:
    sent = [(HEAD, b"\x00\xff" * 100_000), ({"type": "heartbeat"}, b"")]
    data = b"".join(pack(*message) for message in sent)
    stream = io.BytesIO(data)
    assert [read_message(stream), read_message(stream), read_message(stream)] == [*sent, None]
    assert asyncio.run(received(data)) == sent


@pytest.mark.parametrize("end", [3, 9, 40])
def test_a_message_cut_off_is_the_end(end: int) -> None:
    data = pack(HEAD, b"picture")[:end]
    assert read_message(io.BytesIO(data)) is None
    assert asyncio.run(received(data)) == []


@pytest.mark.parametrize("data", [b"a stray print of a library", pack({"no": "type"}), b"\0\0\0\3\0\0\0\0abc"])
def test_a_stream_of_something_else_is_noticed(data: bytes) -> None:
    with pytest.raises(Garbled):
        read_message(io.BytesIO(data))
    with pytest.raises(Garbled):
        asyncio.run(received(data))


def test_numbers_that_json_lacks_become_null() -> None:
    head, _ = unpack_live(pack_live({"metrics": {"psnr": math.inf}, "curve": [math.nan, 1.0]}))
    assert head == {"metrics": {"psnr": None}, "curve": [None, 1.0]}


def test_a_browser_message_is_length_head_picture() -> None:
    message = pack_live({"status": "running"}, b"PNG")
    length = int.from_bytes(message[:4], "big")
    assert json.loads(message[4 : 4 + length]) == {"status": "running"}
    assert message[4 + length :] == b"PNG"
