"""Draws a run as a file to look at: a still picture, an animation or a page that replays it. Imports no torch."""

from __future__ import annotations

import json
import math
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

from gradleak_core.cli.recording import Recording
from gradleak_core.runs.export import animation, open_picture, png
from gradleak_core.runs.protocol import finite
from gradleak_core.runs.recording import data_url
from gradleak_core.types import JSON
from gradleak_core.verdicts import seen

BLOCK, GAP, LINE = 224, 16, 24
"""The pixels of a block of images, of the space around it, and of a line of text."""
FACTOR = 4
"""The factor by which the difference is brightened, as in the live view."""
POINTS = 1000
"""The most points of a curve in a page."""
TEMPLATE = Path(__file__).with_name("replay.html")


def draw_file(recording: Recording, suffix: str) -> bytes:
    """Returns a .png of the end of a run, or a .gif or .html of the whole run, by the suffix."""
    if suffix == ".html":
        return page(recording).encode()
    frames, batch = recording.choose_frames(), recording.head["batch"]
    truth = open_picture(recording.truth)
    if suffix == ".png":
        numbers, picture = frames[-1]
        return png(sheet(truth, open_picture(picture), batch, caption(numbers)))
    return animation([sheet(truth, open_picture(picture), batch, caption(numbers)) for numbers, picture in frames])


def caption(numbers: JSON) -> str:
    metrics = numbers["metrics"]
    scores = f"PSNR {metrics['psnr']:.1f} dB   SSIM {metrics['ssim']:.2f}   {seen(metrics)}"
    return f"iteration {numbers['iteration']}   {scores}"


def sheet(truth: Image.Image, guess: Image.Image, batch: int, text: str) -> Image.Image:
    """Returns private images, guesses and differences side by side. Both stacks hold `batch` images top to bottom."""
    apart = ImageChops.difference(truth, guess).point(lambda value: min(255, value * FACTOR))
    named = {"private": truth, "guess": guess, f"difference, {FACTOR} times": apart}
    blocks = [block(stack, batch) for stack in named.values()]
    width, height = blocks[0].size
    whole = Image.new("RGB", (3 * width + 4 * GAP, height + 2 * GAP + 2 * LINE), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(14)
    for index, (name, images) in enumerate(zip(named, blocks, strict=True)):
        left = GAP + index * (width + GAP)
        draw.text((left, GAP), name, fill="#222222", font=font)
        whole.paste(images, (left, GAP + LINE))
    draw.text((GAP, GAP + LINE + height + 6), text, fill="#222222", font=font)
    return whole


def block(stack: Image.Image, batch: int) -> Image.Image:
    """Returns a stack of images as a square grid, enlarged without smoothing."""
    across, height = math.ceil(math.sqrt(batch)), stack.height // batch
    grid = Image.new("RGB", (across * stack.width, math.ceil(batch / across) * height), "white")
    for index in range(batch):
        image = stack.crop((0, index * height, stack.width, (index + 1) * height))
        grid.paste(image, (index % across * stack.width, index // across * height))
    factor = max(1, BLOCK // grid.width)
    return grid.resize((grid.width * factor, grid.height * factor), Image.Resampling.NEAREST)


def page(recording: Recording) -> str:
    """Returns an HTML page that replays a run in any browser, without a network."""
    columns = recording.columns
    length = max(map(len, columns.values()), default=0)
    kept = range(0, length, -(-length // POINTS) or 1)
    curve = {"iterations": [i + 1 for i in kept], "columns": {k: [v[i] for i in kept] for k, v in columns.items()}}
    value = {
        "title": recording.title,
        "result": recording.result,
        "head": recording.head,
        "curve": curve,
        "frames": [
            numbers | {"picture": data_url(picture), "seen": seen(numbers["metrics"])}
            for numbers, picture in recording.choose_frames()
        ],
        "truth": data_url(recording.truth),
    }
    text = json.dumps(finite(value), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return TEMPLATE.read_text(encoding="utf-8").replace("__RECORDING__", text)
