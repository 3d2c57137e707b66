"""Pictures gone wrong, sent as uploads: every format and depth, with some of its bytes changed, cut off or put in."""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import islice

import httpx
from PIL import Image, features

from benchmarks.hostile.tally import Tally
from benchmarks.serving import Server, short
from gradleak_core.data.uploads import PICTURE_FORMATS
from gradleak_core.experiment import CODEC, Experiment

HEAD = 64
"""Bytes at the beginning of a file in which half of all changes are made."""
NUMBERS = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 40_000_000, 65_535)
"""What is written over four bytes of a file, where a size may stand."""
RUN_EVERY = 40
"""Of the pictures that were accepted, one in so many is attacked."""


def send(server: Server, seed: int, count: int) -> Tally:
    """Uploads `count` pictures, and attacks some of those that are accepted."""
    tally = Tally()
    for number, (kind, data) in enumerate(islice(mutated(seed), count)):
        said = f"picture {number} of seed {seed}, {kind}"
        try:
            answer = server.client.post("/api/uploads", content=data)
        except httpx.TransportError as error:
            tally.fail("no answer", f"{said}: {error!r}")
            continue
        tally.take(answer, said)
        if answer.status_code == 201 and tally.answers["201"] % RUN_EVERY == 1:
            attack(server, answer.json()["image"], said, tally)
    return tally


def attack(server: Server, image: str, said: str, tally: Tally) -> None:
    """Plays a short run of an uploaded picture to its end, whatever that is."""
    experiment = CODEC.encode(short(Experiment(), 2)) | {"images": [image]}
    answer = server.client.post("/api/runs", json={"experiment": experiment})
    tally.take(answer, f"a run of {said}")
    try:
        server.finished(answer.json()["id"])
    except (RuntimeError, KeyError, json.JSONDecodeError) as error:
        tally.fail("broken off", f"a run of {said}: {error}")


def mutated(seed: int) -> Iterator[tuple[str, bytes]]:
    """The kind of a picture and the bytes it has become, without end; the same for the same seed."""
    dice = random.Random(seed)
    known = [*pictures(dice), *bombs()]
    while True:
        kind, data = dice.choice(known)
        changed = bytearray(data)
        for _ in range(dice.choice((0, 1, 1, 2, 6))):
            dice.choice(CHANGES)(dice, changed)
        yield kind, bytes(changed)


def pictures(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """A small picture of noise in every format and mode."""
    noise = Image.frombytes("RGBA", (24, 16), dice.randbytes(24 * 16 * 4))
    deep = Image.frombytes("I;16", (24, 16), dice.randbytes(24 * 16 * 2))
    for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"):
        image = deep if mode == "I;16" else noise.convert("L").convert(mode) if mode == "F" else noise.convert(mode)
        for form in (form for form in PICTURE_FORMATS if form != "AVIF" or features.check("avif")):
            file = io.BytesIO()
            try:
                image.save(file, form)
            except (OSError, ValueError, KeyError):  # not every format has every mode
                continue
            yield f"{form} {mode}", file.getvalue()


def bombs() -> Iterator[tuple[str, bytes]]:
    """PNGs that claim a size and hold next to nothing, and one that holds nothing but one colour."""
    for width, height, depth, colour in ((1, 40_000_000, 8, 0), (40_000_000, 1, 8, 6), (6320, 6320, 16, 6)):
        yield f"bomb of {width} × {height}", png(width, height, depth, colour, b"\0")
    yield "flat picture", png(4000, 4000, 1, 0, bytes(4000 * 501))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG whose header says so, with these bytes for rows."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def place(dice: random.Random, data: bytearray) -> int:
    """Where in a file something is changed."""
    return dice.randrange(max(1, min(len(data), dice.choice((HEAD, len(data))))))


def flipped(dice: random.Random, data: bytearray) -> None:
    data[(at := place(dice, data)) : at + 1] = dice.randbytes(1)


def numbered(dice: random.Random, data: bytearray) -> None:
    data[(at := place(dice, data)) : at + 4] = struct.pack(dice.choice("<>") + "I", dice.choice(NUMBERS))


def cut(dice: random.Random, data: bytearray) -> None:
    del data[place(dice, data) :]


def cut_out(dice: random.Random, data: bytearray) -> None:
    del data[(at := place(dice, data)) : at + dice.randrange(1, 40)]


def put_in(dice: random.Random, data: bytearray) -> None:
    at = place(dice, data)
    data[at:at] = dice.choice(
        (dice.randbytes(dice.randrange(1, 40)), bytes(dice.randrange(1, 5000)), bytes(data[:200]))
    )


Change = Callable[[random.Random, bytearray], None]
CHANGES: tuple[Change, ...] = (flipped, flipped, flipped, numbered, cut, cut_out, put_in)
