"""How smoothly a replay pack scrubs: opened from disk in Chromium without a network, its scrubber moved at every frame.

The packs are of the recorded first visit and of the largest batch there is: 16 pictures of 224 × 224 pixels.
A picture counts when the page has painted it; the scrubber is moved as often as the screen is drawn, 60 times a second.
"""

from __future__ import annotations

import base64
import io
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.serving import ROOT
from benchmarks.setting import Setting
from gradleak_core.runs.exports.kinds import write_export

JSON = Any
BAR = 30
LARGE = (224, 16)
"""Pixels a side and pictures of the largest batch."""
SCRUB = """async (seconds) => {
  const slider = document.getElementById("at"), most = Number(slider.max), begun = performance.now();
  const before = Number(document.body.dataset.painted);
  for (let turn = 0; performance.now() - begun < 1000 * seconds; turn += 1) {
    const at = turn % (2 * most);
    slider.value = String(at > most ? 2 * most - at : at);
    slider.dispatchEvent(new Event("input"));
    await new Promise((done) => requestAnimationFrame(done));
  }
  return (Number(document.body.dataset.painted) - before) / ((performance.now() - begun) / 1000);
}"""


def measure(setting: Setting) -> JSON:
    from playwright.sync_api import sync_playwright

    from tests.e2e import browser as browsers

    first = json.loads((ROOT / "assets" / "recordings" / "first.json").read_text("utf-8"))
    values = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path=browsers.find(), args=["--no-sandbox"])
        for name, recording in {"first visit": first, "16 pictures of 224 pixels": large(first)}.items():
            file = Path(folder) / "replay.html"
            file.write_bytes(write_export("html", recording))
            page = chromium.new_context(offline=True).new_page()
            page.goto(file.as_uri())
            page.wait_for_selector("body[data-ready]")
            rate = page.evaluate(SCRUB, 1 if setting.quick else 5)
            values.append({"pack": name, "bytes": file.stat().st_size, "pictures_per_second": round(rate, 1)})
            page.close()
        chromium.close()
    slowest = min(row["pictures_per_second"] for row in values)
    return {
        "measured": "; ".join(
            f"{row['pack']}: {row['pictures_per_second']:.0f} a second, {row['bytes'] / 1e6:.1f} MB" for row in values
        ),
        "met": slowest >= BAR and max(row["bytes"] for row in values) < 5e6,
        "seeds": [0],
        "values": values,
    }


def large(first: JSON) -> JSON:
    """Returns a recording whose pictures are as large as they can be."""
    side, batch = LARGE
    draw = random.Random(0)
    pictures = [stack(draw, side, side * batch) for _ in range(8)]
    frames = [frame | {"picture": pictures[index % 8]} for index, frame in enumerate(first["frames"])]
    head = first["head"] | {"batch": batch, "shape": [3, side, side], "labels": [0] * batch}
    return first | {"head": head, "truth": pictures[0], "frames": frames}


def stack(draw: random.Random, width: int, height: int) -> str:
    """Returns pictures of noise on a coarse grid, as a `data:` address."""
    coarse = Image.frombytes("RGB", (width // 4, height // 4), draw.randbytes(3 * (width // 4) * (height // 4)))
    out = io.BytesIO()
    coarse.resize((width, height)).save(out, "WEBP", quality=90, method=0)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
