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
"""A value an iteration, by name."""
FRAMES = 60
"""Pictures and steps of the animation at most, beside the last."""
MILLISECONDS = 100
SMALLEST = 128
"""Pixels a side of the animation at least."""


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
    """Evenly chosen ones, first and last among them."""
    if len(pictures) <= FRAMES + 1:
        return list(pictures)
    return [pictures[round(k * (len(pictures) - 1) / FRAMES)] for k in range(FRAMES + 1)]


def open_picture(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


def open_readable(picture: bytes | None) -> Image.Image | None:
    """Returns the picture, or None without one that can be read."""
    try:
        return open_picture(picture or b"")
    except (OSError, SyntaxError, ValueError):
        return None


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def animation(images: list[Image.Image]) -> bytes:
    """A GIF that rests on its last picture; small pictures are enlarged without smoothing."""
    factor = max(1, -(-SMALLEST // images[0].width))
    size = (images[0].width * factor, images[0].height * factor)
    steps = [image.resize(size, Image.Resampling.NEAREST) for image in images]
    durations = [MILLISECONDS] * (len(steps) - 1) + [20 * MILLISECONDS]
    out = io.BytesIO()
    steps[0].save(out, "GIF", save_all=True, append_images=steps[1:], duration=durations, loop=0)
    return out.getvalue()


def add_scores(columns: Columns, frames: Sequence[Mapping[str, Any]]) -> Columns:
    """Adds what frames alone have to the columns of every iteration: PSNR in dB, SSIM, and seconds of computing."""
    length = max(map(len, columns.values()), default=0)
    found: Columns = {"psnr": [None] * length, "ssim": [None] * length, "seconds": [None] * length}
    for frame in frames:
        for name, column in found.items():
            column[frame["iteration"] - 1] = frame.get("metrics", {}).get(name, frame.get(name))
    return columns | found


def curve_csv(columns: Columns) -> str:
    """One row an iteration; what is not known of it is left empty."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["iteration", *columns])
    for iteration, values in enumerate(zip(*columns.values(), strict=True), 1):
        rows.writerow([iteration, *("" if value is None else value for value in values)])
    return out.getvalue()
