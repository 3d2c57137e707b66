"""Small pictures for the forms, as `data:` addresses that need no second request."""

from __future__ import annotations

import base64
import io

import streamlit as st
from PIL import Image, ImageOps

from gradleak_core import data
from gradleak_core.types import Refused

BLANK = (
    "data:image/svg+xml;base64,"
    + base64.b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"><rect width="96" height="96" fill="#8aa0a0"'
        b' opacity=".35"/><text x="48" y="58" font-size="30" text-anchor="middle" fill="#7a8c8c">?</text></svg>'
    ).decode()
)


@st.cache_data(max_entries=1024, show_spinner=False)
def thumbnail(reference: str, side: int = 128) -> str:
    """The centred square of a picture; a blank for a dataset's, which only the worker can read."""
    if reference.startswith("dataset:"):
        return BLANK
    try:
        image, _ = data.picture(reference)
    except (Refused, OSError):
        return BLANK
    return encoded(ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS))


@st.cache_data(max_entries=64, show_spinner=False)
def sheet(references: tuple[str, ...], side: int = 64) -> str:
    """Up to four pictures as the quarters of one."""
    whole = Image.new("RGB", (2 * side, 2 * side))
    for index, reference in enumerate(references[:4]):
        tile = ImageOps.fit(data.picture(reference)[0].convert("RGB"), (side, side), Image.Resampling.LANCZOS)
        whole.paste(tile, (index % 2 * side, index // 2 * side))
    return encoded(whole)


@st.cache_data(max_entries=1024, show_spinner=False)
def own_label(reference: str) -> int | None:
    """The label a picture comes with, when the web process can know it."""
    if reference.startswith(("dataset:", "upload:")):
        return None
    try:
        return data.picture(reference)[1]
    except (Refused, OSError):
        return None


def title(reference: str, catalogue: dict) -> str:
    """What to call a picture."""
    scheme, _, rest = reference.partition(":")
    if scheme == "sample":
        return catalogue["samples"].get(rest, {}).get("title", rest)
    return "Your picture" if scheme == "upload" else rest


def from_bytes(picture: bytes, batch: int = 1, side: int = 128) -> str:
    """A stack of pictures as runs store them, side by side and enlarged without smoothing; at most four."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    height = image.height // max(batch, 1)
    tiles = [image.crop((0, i * height, image.width, (i + 1) * height)) for i in range(min(batch, 4))]
    across = 1 if len(tiles) == 1 else 2
    sheet = Image.new("RGB", (image.width * across, height * -(-len(tiles) // across)))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % across * image.width, i // across * height))
    scale = max(1, -(-side // sheet.width))
    return encoded(sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST))


def encoded(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "WEBP", quality=85)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
