"""Small pictures for the forms, as `data:` addresses that need no second request."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from urllib.parse import quote

from PIL import Image, ImageOps

from gradleak_core import data
from gradleak_core.data import datasets, uploads
from gradleak_core.types import Refused
from pages._parts.engine import service

BLANK = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"><rect width="96" height="96" fill="#8aa0a0"'
    ' opacity=".35"/><text x="48" y="58" font-size="30" text-anchor="middle" fill="#7a8c8c">?</text></svg>'
)
LOSSLESS = 64
"""The largest side, in pixels, of a preview without loss, as in what a run sends."""


def thumbnail(reference: str) -> str:
    """Returns the centred square of a picture; a blank if it is missing or only the worker can read it."""
    try:
        return _square(reference, since(reference))
    except (Refused, OSError):
        return BLANK


def since(reference: str) -> int:
    """Returns when an upload was kept, in nanoseconds since 1970; 0 for other pictures.

    Raises `Refused` if it is gone, or if somebody else has handed it in. Caches use it as a key, so that nothing of a
    deleted upload is shown again.
    """
    if not reference.startswith("upload:"):
        return 0
    service().check_uploads([{"images": [reference]}])
    return uploads.upload_path(data.data_folder() / "uploads", reference).stat().st_mtime_ns


@lru_cache(1024)
def _square(reference: str, since: int) -> str:
    """Returns the square of a picture. Raises `Refused` or OSError, which is not remembered."""
    return encoded(squared(data.read_picture(reference).convert("RGB"), 128))


def problem(reference: str) -> str | None:
    """Returns why a picture cannot be used, as far as that is known before a run."""
    try:
        datasets.parse_dataset(reference) if reference.startswith("dataset:") else _square(reference, since(reference))
    except (Refused, OSError) as reason:
        return str(reason)
    return None


def preview(references: list[str], size: int, channels: int) -> str | None:
    """Returns the private pictures as the model will see them, top to bottom; None if only the worker has them."""
    try:
        return _stack(tuple(references), tuple(map(since, references)), size, channels)
    except (Refused, OSError):
        return None


@lru_cache(64)
def _stack(references: tuple[str, ...], since: tuple[int, ...], size: int, channels: int) -> str:
    mode = "RGB" if channels == 3 else "L"
    whole = joined([squared(data.read_picture(reference).convert(mode), size) for reference in references])
    return encoded(whole, "PNG") if size <= LOSSLESS else encoded(whole)


def class_title(label: int, names: list[str]) -> str:
    """Returns a class as the live view names it: the name and the number, or the number alone."""
    return f"{names[label]} ({label})" if 0 <= label < len(names) and names[label] != str(label) else f"class {label}"


@lru_cache(64)
def sheet(references: tuple[str, ...]) -> str:
    """Returns up to four pictures as the quarters of one."""
    tiles = [squared(data.read_picture(reference).convert("RGB"), 64) for reference in references]
    return encoded(joined(tiles, 2, 2))


def own_label(reference: str) -> int | None:
    """Returns the label that a picture comes with, 0 for an upload; None if only the worker can know it.

    It is read afresh each time, because a folder that is added to can renumber its classes.
    """
    try:
        return data.read_label(reference) or 0
    except Refused:
        return None


def title(reference: str, catalogue: dict) -> str:
    """Returns the title of a picture."""
    scheme, _, rest = reference.partition(":")
    if scheme == "sample":
        return catalogue["samples"].get(rest, {}).get("title", rest)
    if scheme == "dataset":
        name, _, place = rest.partition("/")
        return f"{datasets.DATASETS[name].title} {place}" if name in datasets.DATASETS else rest
    return "Your picture" if scheme == "upload" else rest


def caption(references: list[str], catalogue: dict) -> str:
    """Returns the title of a single picture, or the number of several."""
    return title(references[0], catalogue) if len(references) == 1 else f"{len(references)} pictures in one update"


def from_bytes(picture: bytes, batch: int = 1) -> str:
    """Returns up to four pictures of a stack, as runs store it, side by side and enlarged without smoothing."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    height = image.height // max(batch, 1)
    tiles = [image.crop((0, i * height, image.width, (i + 1) * height)) for i in range(min(batch, 4))]
    sheet = joined(tiles, 1 if len(tiles) == 1 else 2)
    return encoded(ImageOps.scale(sheet, max(1, -(-128 // sheet.width)), Image.Resampling.NEAREST))


def squared(image: Image.Image, side: int) -> Image.Image:
    """Returns the centred square of a picture."""
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


def joined(tiles: list[Image.Image], across: int = 1, down: int | None = None) -> Image.Image:
    """Returns pictures of one size as one picture, row by row; `down` rows, or as many as are needed."""
    width, height = tiles[0].size
    whole = Image.new(tiles[0].mode, (width * across, height * (down or -(-len(tiles) // across))))
    for index, tile in enumerate(tiles):
        whole.paste(tile, (index % across * width, index // across * height))
    return whole


def encoded(image: Image.Image, form: str = "WEBP", quality: int = 85) -> str:
    file = io.BytesIO()
    image.save(file, form, quality=quality)
    return f"data:image/{form.lower()};base64," + base64.b64encode(file.getvalue()).decode()
