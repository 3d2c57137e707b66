"""One run as a zip file. Imports no torch."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

Columns = dict[str, "list[float | None]"]
"""The values of every iteration, by the name of the curve; None where there is none."""
FRAMES = 60
"""The most pictures in an archive and steps of an animation, beside the last."""
MILLISECONDS = 100
"""The time that an animation shows one picture; it shows the last twenty times as long."""
SMALLEST = 128
"""The fewest pixels that an animation is wide."""


def archive(
    experiment: Any,
    result: Any,
    columns: Columns,
    pictures: list[tuple[int, bytes]],
    truth: bytes | None,
) -> bytes:
    """Returns a zip of experiment.json, result.json, curve.csv, truth.png, frames/<iteration>.png and animation.gif.

    Pictures that are damaged are left out.
    """
    chosen = [(iteration, image) for iteration, picture in choose_evenly(pictures) if (image := open_readable(picture))]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("experiment.json", json.dumps(experiment, indent=2))
        file.writestr("result.json", json.dumps(result, indent=2))
        file.writestr("curve.csv", curve_csv(columns))
        if private := open_readable(truth):
            file.writestr("truth.png", png(private))
        for iteration, image in chosen:
            file.writestr(f"frames/{iteration:06}.png", png(image))
        if chosen:
            file.writestr("animation.gif", animation([image for _, image in chosen]))
    return out.getvalue()


def choose_evenly(pictures: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Returns at most 61 of the pictures, evenly chosen, with the first and the last among them."""
    if len(pictures) <= FRAMES + 1:
        return list(pictures)
    return [pictures[round(k * (len(pictures) - 1) / FRAMES)] for k in range(FRAMES + 1)]


def open_picture(picture: bytes) -> Image.Image:
    """Returns an encoded picture in mode RGB. Raises OSError, SyntaxError or ValueError when it is damaged."""
    return Image.open(io.BytesIO(picture)).convert("RGB")


def open_readable(picture: bytes | None) -> Image.Image | None:
    """Returns an encoded picture in mode RGB; None when there is none or it is damaged."""
    try:
        return open_picture(picture or b"")
    except (OSError, SyntaxError, ValueError):
        return None


def png(image: Image.Image) -> bytes:
    """Returns a picture as a PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def animation(images: list[Image.Image]) -> bytes:
    """Returns a GIF that rests on its last picture. Small pictures are enlarged without smoothing."""
    factor = max(1, -(-SMALLEST // images[0].width))
    size = (images[0].width * factor, images[0].height * factor)
    steps = [image.resize(size, Image.Resampling.NEAREST) for image in images]
    durations = [MILLISECONDS] * (len(steps) - 1) + [20 * MILLISECONDS]
    out = io.BytesIO()
    steps[0].save(out, "GIF", save_all=True, append_images=steps[1:], duration=durations, loop=0)
    return out.getvalue()


def add_scores(columns: Columns, frames: Sequence[Mapping[str, Any]]) -> Columns:
    """Returns the columns with those that only frames have values for: PSNR in dB, SSIM, likeness and seconds."""
    length = max(map(len, columns.values()), default=0)
    found: Columns = {name: [None] * length for name in ("psnr", "ssim", "likeness", "seconds")}
    for frame in frames:
        for name, column in found.items():
            column[frame["iteration"] - 1] = frame.get("metrics", {}).get(name, frame.get(name))
    return columns | found


def curve_csv(columns: Columns) -> str:
    """Returns the columns as CSV, one row an iteration. What is not known stays empty."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["iteration", *columns])
    for iteration, values in enumerate(zip(*columns.values(), strict=True), 1):
        rows.writerow([iteration, *("" if value is None else value for value in values)])
    return out.getvalue()
