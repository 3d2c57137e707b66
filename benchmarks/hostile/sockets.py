"""Handshakes and WebSocket frames as no browser sends them, byte by byte, and connections that break off."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from collections.abc import Callable

from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server, short
from gradleak_core.experiment import Experiment

PATIENCE = 0.25
"""The seconds in which an answer is waited for; what comes later is of no interest."""
KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
PLACES = ("/api/live/{run}", "/api/live/{run}?seen=1", "/api/live/nope", "/_stcore/stream")
SEEN = ("-1", "1e9", "9" * 4000, "\u0661", "%00", "%ff", "0x10", "1&seen=2", "")
USUAL = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY,
}  # fmt: skip
ODD = ("", "x", "0", "-1", "13, 8", "\x00", "é", "a" * 5000, "websocket, h2c", "AAAA", KEY + KEY, "permessage-deflate")
MORE = (
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99", "Sec-WebSocket-Protocol: ,,,",
    "Content-Length: 5", "Content-Length: -1", "Transfer-Encoding: chunked", "Expect: 100-continue",
    "Cookie: " + "a" * 9000, "no colon at all", ": nameless", "X-\x01: y", "Sec-WebSocket-Key: second",
    "Cookie: =;;=;\xff",
)  # fmt: skip


def send(server: Server, seed: int, count: int) -> Tally:
    """Opens `count` connections, one after the other; of each, the answer's status counts, if there is one."""
    tally, dice = Tally(), random.Random(seed)
    run = server.submit(short(Experiment(), 3))
    server.finished(run)
    for _ in range(count):
        before, after = drawn(dice, f"127.0.0.1:{server.client.base_url.port}", run)
        tally.heard(spoken(server, before, after, dice.random() < 0.5), repr(before + after)[:300])
    return tally


def drawn(dice: random.Random, host: str, run: str) -> tuple[bytes, bytes]:
    """A handshake, and what follows it. Half of the handshakes are right, so that the frames are read at all."""
    place = dice.choice(PLACES).format(run=run)
    if dice.random() < 0.2:
        place = f"/api/live/{run}?seen={dice.choice(SEEN)}"
    headers, method, version = dict(USUAL), "GET", "HTTP/1.1"
    lines = [f"Host: {host}"]
    if dice.random() < 0.5:
        name = dice.choice([*headers])
        dice.choice((lambda: headers.pop(name), lambda: headers.update({name: dice.choice(ODD)})))()
        lines += [dice.choice(MORE)] * dice.choice((0, 1, 1, 100))
        method = dice.choice((method, method, "POST", "CONNECT", "get", ""))
        version = dice.choice((version, version, "HTTP/1.0", "HTTP/2", "HTTP/9", ""))
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = f"{method} {place} {version}\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    return text.encode("utf-8"), b"".join(dice.choice(FRAMES)(dice) for _ in range(dice.choice((0, 1, 1, 3))))


def spoken(server: Server, before: bytes, after: bytes, waiting: bool) -> bytes:
    """What the server says to a handshake and to what follows it, until it closes or falls silent."""
    said = b""
    address = "127.0.0.1", server.client.base_url.port or 80
    with contextlib.suppress(TimeoutError, ConnectionError), socket.create_connection(address, PATIENCE) as line:
        line.sendall(before if waiting else before + after)
        said = line.recv(65536)
        if waiting and after:
            line.sendall(after)
        while len(said) < 2**20 and (more := line.recv(65536)):
            said += more
    return said


def frame(first: int, body: bytes, *, masked: bool = True, claimed: int | None = None) -> bytes:
    """One frame with this first byte; `claimed` is the length that it says it has."""
    length = len(body) if claimed is None else claimed
    mask = 0x80 if masked else 0
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 2**16:
        head = bytes([first, mask | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, mask | 127]) + struct.pack(">Q", length)
    return head + (b"\0\0\0\0" if masked else b"") + body


def numbered(dice: random.Random) -> bytes:
    """Any first byte: codes that mean nothing, bits that are reserved, parts of no whole."""
    return frame(dice.randrange(256), dice.randbytes(dice.choice((0, 1, 125, 126, 300))), masked=dice.random() < 0.7)


def enormous(dice: random.Random) -> bytes:
    """A frame that says it is larger than it is."""
    return frame(dice.choice((0x81, 0x82)), b"x" * 10, claimed=dice.choice((200, 2**16, 2**31, 2**63 - 1, 2**64 - 1)))


def closing(dice: random.Random) -> bytes:
    """A goodbye with a code or a reason that nobody may give."""
    code = struct.pack(">H", dice.choice((0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 5000, 65535)))
    return frame(0x88, dice.choice((b"", b"\x03", code, code + b"\xff\xfe", code + b"x" * 123)))


def garbled(dice: random.Random) -> bytes:
    """A text that is none, a call for our pages that is none, or many pings."""
    return dice.choice((frame(0x81, b"\xff\xfe\xfd"), frame(0x82, dice.randbytes(200)), frame(0x89, b"x" * 125) * 200))


def noise(dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(1, 3000))


FRAMES: tuple[Callable[[random.Random], bytes], ...] = (numbered, numbered, enormous, closing, garbled, noise)
