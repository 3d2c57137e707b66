"""What hostile uploads cost the server: the time of each answer, the list of runs meanwhile, the memory. Linux only.

Every picture is sent four times at once, because two are read at a time and the others wait. `peak` is the most that
the server's own process ever had resident.
"""

from __future__ import annotations

import io
import math
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from PIL import Image

from benchmarks.hostile.pictures import png
from benchmarks.serving import Server, linux, memory, serving
from benchmarks.setting import SEED, Setting
from gradleak_core.data.uploads import DECODED_MEGAPIXELS

JSON = Any
AT_ONCE = 4


def measure(setting: Setting) -> JSON:
    linux()
    with serving(setting) as server, ThreadPoolExecutor(AT_ONCE) as pool:
        values = [row(server, pool, name, data) for name, data in hostile(setting.count(6000, 1500))]
    slowest, peak = max(max(value["seconds"]) for value in values), values[-1]["peak"]
    listed = max(value["list_seconds"] for value in values)
    return {
        "measured": f"slowest answer {slowest:.2f} s; list of runs meanwhile {listed:.2f} s; {peak:.0f} MB",
        "met": slowest <= 2 and peak <= 200,
        "seeds": [SEED],
        "values": values,
    }


def row(server: Server, pool: ThreadPoolExecutor, name: str, data: bytes) -> JSON:
    """Sends one picture four times at once, and asks for the list of runs ten times a second until all are answered."""
    sent = [pool.submit(upload, server, data) for _ in range(AT_ONCE)]
    listed = 0.0
    while not all(one.done() for one in sent):
        begun = time.perf_counter()
        server.get("runs")
        listed = max(listed, time.perf_counter() - begun)
        time.sleep(0.1)
    answers = [one.result() for one in sent]
    value = {
        "picture": name, "bytes": len(data), "answers": [answer.status_code for answer, _ in answers],
        "seconds": [seconds for _, seconds in answers], "list_seconds": listed, **memory(server.process.pid),
    }  # fmt: skip
    print(f"  {value}", flush=True)
    return value


def upload(server: Server, data: bytes) -> tuple[httpx.Response, float]:
    begun = time.perf_counter()
    answer = server.client.post("/api/uploads", content=data)
    return answer, time.perf_counter() - begun


def hostile(side: int) -> Iterator[tuple[str, bytes]]:
    """Names and files; `side` is that of the large ones, in pixels."""
    yield "PNG that claims 1 × 40,000,000", png(1, 40_000_000, 8, 0, b"\0")
    yield "PNG that claims 40,000,000 × 1", png(40_000_000, 1, 8, 6, b"\0")
    yield "PNG of one colour, 40 megapixels, 16-bit RGBA", png(6320, 6320, 16, 6, bytes(6320 * (6320 * 8 + 1)))
    most = math.isqrt(int(DECODED_MEGAPIXELS * 10**6))
    yield (
        "PNG of one colour, the most that is decoded, 16-bit RGBA",
        png(most, most, 16, 6, bytes(most * (most * 8 + 1))),
    )
    dice = random.Random(SEED)
    noise = Image.frombytes("RGB", (640, 640), dice.randbytes(640 * 640 * 3))
    photo = noise.resize((side, 3 * side // 4), Image.Resampling.BICUBIC)
    for form, options in (("JPEG", {"quality": 50}), ("WEBP", {"quality": 20, "method": 0}), ("AVIF", {"speed": 10})):
        image = photo if form == "JPEG" or side <= most else photo.resize((most, most))
        file = io.BytesIO()
        image.save(file, form, **options)
        yield f"{form}, {image.width * image.height / 1e6:.0f} megapixels", file.getvalue()
    yield "8 MB that are no picture", dice.randbytes(8 * 2**20)
    yield "9 MB and more", bytes(12 * 2**20)
