"""Pictures from outside: checked at the door, cleaned, and kept by the hash of what they show. Free of torch."""

from __future__ import annotations

import hashlib
import io
import math
import re
import tempfile
from pathlib import Path
from typing import cast

from PIL import Image, ImageOps, UnidentifiedImageError

from gradleak_core.types import Refused

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
MEGABYTES = 8
MEGAPIXELS = 40
SIDE = 512

BOMB = f"The picture has more than {MEGAPIXELS} million pixels; make it smaller and try again."
DAMAGED = "The picture is cut off or damaged; save it again and retry."
FOREIGN = "The file is not a picture that can be read; use a PNG, JPEG, WebP, GIF, BMP or TIFF."


def check(data: bytes) -> bytes:
    """A clean PNG of any picture somebody sends: 8-bit grey or RGB, upright, without metadata, at most 512 pixels
    on its longer side. Only the first frame is kept, and what is transparent becomes white.

    Raises `Refused`, and nothing else: empty, not a picture, damaged, over 8 MB or over 40 million pixels.
    """
    clean = io.BytesIO()
    decode(data).save(clean, "PNG")
    return clean.getvalue()


def decode(data: bytes) -> Image.Image:
    """As `check`, but the picture itself, in mode L or RGB."""
    if not data:
        raise Refused("The file is empty; choose a picture.")
    if len(data) > MEGABYTES * 2**20:
        raise Refused(f"The file has {len(data) / 2**20:.1f} MB and the limit is {MEGABYTES} MB; make it smaller.")
    image = _opened(data)
    if image.width * image.height > MEGAPIXELS * 10**6:
        raise Refused(BOMB)
    if image.width * image.height == 0:
        raise Refused(DAMAGED)
    try:
        return _cleaned(image)
    except Refused:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        raise Refused(DAMAGED) from error


def save(folder: Path, data: bytes) -> str:
    """Checks a picture, writes it to `folder` as `<sha256>.png` in one step, and returns its `upload:<sha256>`.

    The hash is of the clean PNG, so the same picture is kept once. Raises `Refused` as `check` does.
    """
    clean = check(data)
    digest = hashlib.sha256(clean).hexdigest()
    target = folder / f"{digest}.png"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:
            part.write(clean)
        Path(part.name).replace(target)
    return f"upload:{digest}"


def path(folder: Path, reference: str) -> Path:
    """The file of `upload:<sha256>`. Raises `Refused` when the reference is malformed or nothing is there."""
    digest = re.fullmatch(r"upload:([0-9a-f]{64})", reference)
    if digest is None:
        raise Refused(f"{reference!r} does not name an upload; upload the picture again.")
    file = folder / f"{digest[1]}.png"
    if not file.is_file():
        raise Refused("This picture is not kept here; upload it again (on the command line: --image FILE).")
    return file


def _opened(data: bytes) -> Image.Image:
    """The picture with only its header read."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise Refused(FOREIGN) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(BOMB) from error
    except Exception as error:
        raise Refused(DAMAGED) from error


def _cleaned(image: Image.Image) -> Image.Image:
    image.draft(None, (SIDE, SIDE))  # a large JPEG decodes straight to a smaller one
    ImageOps.exif_transpose(image, in_place=True)
    image = _eight_bit(image)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    image.info = {}
    return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Any mode as L or RGB."""
    if image.mode.startswith("I;16"):
        return _stretched(image.convert("I"), 0, 65535)
    if image.mode in ("I", "F"):
        return _stretched(image, *_range(image))
    base = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if not image.has_transparency_data:
        return image.convert(base)
    image = image.convert("LA" if base == "L" else "RGBA")
    flat = Image.new(base, image.size, "white")
    flat.paste(image, mask=image)
    return flat


def _range(image: Image.Image) -> tuple[float, float]:
    """What black and white are in a picture of floats or 32-bit integers: the smallest usual range that holds
    every value, else the values' own extremes."""
    low, high = cast("tuple[float, float]", image.getextrema())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Refused("The picture holds values that are not numbers; save it with 8 or 16 bits a channel.")
    for top in (1, 255, 65535):
        if low >= 0 and high <= top:
            return 0, top
    return low, high


def _stretched(image: Image.Image, low: float, high: float) -> Image.Image:
    scale = 255 / ((high - low) or 1)
    shift = 0.5 - low * scale
    return image.convert("F").point(lambda value: value * scale + shift).convert("L")
