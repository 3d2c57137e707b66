"""Pictures from outside: checked at the door, cleaned, and kept by the hash of what they show. Free of torch."""

from __future__ import annotations

import hashlib
import io
import math
import re
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageOps, UnidentifiedImageError

from gradleak_core.config.schemas import quoted
from gradleak_core.data.files import PRIVATE_FOLDER, write_whole
from gradleak_core.types import Refused

PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
MEGABYTES = 8
MEGAPIXELS = 40
DECODED_MEGAPIXELS = 8.3
"""The most millions of pixels that are decoded, which is a 4K screen. A large JPEG is decoded straight to fewer pixels
than it has. Four pictures of that size at once take less than two seconds on two cores."""
LONGEST = 65_535
"""The most pixels of a side, as in a JPEG."""
SIDE = 512
"""The most pixels of a side that are kept."""
NAME_SUFFIX = ".name"
"""The ending of the file beside an upload that holds the name under which it was handed in."""
LONGEST_FILE_NAME = 120
"""The most characters of such a name."""
DARK = 64
"""The value, of 255, that nothing in a very dark picture exceeds: a quarter, as 14 bits in a file of 16."""

LARGE_FILE = f"The file is larger than {MEGABYTES} MB; make it smaller."
BOMB = f"The picture has more than {MEGAPIXELS} million pixels; make it smaller and try again."
HEAVY = (
    f"The picture has more than {DECODED_MEGAPIXELS} million pixels, which only a JPEG may have; "
    "make it smaller or save it as a JPEG."
)
DAMAGED_PICTURE = "The picture is cut off or damaged; save it again and retry."
FOREIGN = "The file is not a picture that can be read; use a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."
TOO_LARGE = "The picture takes too much memory to read; make it smaller and try again."


def check_both(data: bytes) -> tuple[bytes, bytes | None]:
    """Returns a clean PNG of any picture somebody sends, and a brightened one if the picture is very dark, else None.

    The first is upright, 8-bit grey or RGB, without metadata. It shows the largest centred square, at most 512 pixels a
    side. Only the first frame is kept, and what is transparent becomes white. The second is stretched so that its
    darkest value is black and its brightest white. It is made from all bits of a value that Pillow reads: 16 of a grey
    picture, 8 of a colour. Raises `Refused`, and nothing else, when the data is empty, not a picture, damaged or over
    8 MB, or when the picture has too many pixels or too long a side.
    """
    plain, stretched = _check(data)
    return encode_png(plain), None if stretched is None else encode_png(stretched)


def decode_picture(data: bytes) -> Image.Image:
    """Returns the picture of which `check_both` makes a PNG, in mode L or RGB. Raises `Refused`."""
    return _check(data)[0]


def looks_very_dark(image: Image.Image) -> bool:
    """Returns whether a picture of mode L or RGB has nothing brighter than a quarter, and yet more than one value."""
    low, high = _extremes(image)
    return low < high <= DARK


def encode_png(image: Image.Image, **options: Any) -> bytes:
    """Returns a picture as a PNG, written with these options of Pillow's."""
    png = io.BytesIO()
    image.save(png, "PNG", **options)
    return png.getvalue()


def keep_upload(folder: Path, clean: bytes) -> str:
    """Writes a clean PNG to `folder` as `<sha256>.png`, and returns its `upload:<sha256>`. Raises OSError.

    The hash is that of the PNG, so the same picture is kept once. Its age begins anew.
    """
    digest = hashlib.sha256(clean).hexdigest()
    target = folder / f"{digest}.png"
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    write_whole(target, clean)
    return f"upload:{digest}"


def keep_name(folder: Path, reference: str, name: str) -> None:
    """Writes the clean name of an upload's file beside it, unless it is empty. Raises OSError."""
    if name:
        write_whole(upload_file(folder, reference).with_suffix(NAME_SUFFIX), name.encode())


def clean_file_name(name: str) -> str:
    """Returns the name of a file without folders and cut short."""
    alone = name.replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, alone)).strip()[:LONGEST_FILE_NAME]


def read_name(folder: Path, reference: str) -> str:
    """Returns the name of the file that an upload came in; empty where none is kept."""
    try:
        return upload_file(folder, reference).with_suffix(NAME_SUFFIX).read_text(encoding="utf-8")[:LONGEST_FILE_NAME]
    except (OSError, ValueError, Refused):
        return ""


def upload_path(folder: Path, reference: str) -> Path:
    """Returns the path of `upload:<sha256>`. Raises `Refused` when the reference is malformed or nothing is there."""
    kept = upload_file(folder, reference)
    if not kept.is_file():
        raise Refused("This picture is not kept here; upload it again (on the command line: --image FILE).")
    return kept


def upload_file(folder: Path, reference: str) -> Path:
    """Returns the path of `upload:<sha256>`, there or not. Raises `Refused` when the reference is malformed."""
    digest = re.fullmatch(r"upload:([0-9a-f]{64})", reference)
    if digest is None:
        raise Refused(f"{quoted(reference)} does not name an upload; upload the picture again.")
    return folder / f"{digest[1]}.png"


def uploads_of(experiment: Any) -> set[str]:
    """Returns the references of the uploads among an experiment's images, whatever else may stand there."""
    images = experiment.get("images") if isinstance(experiment, dict) else None
    listed = images if isinstance(images, list) else []
    return {image for image in listed if isinstance(image, str) and image.startswith("upload:")}


def sweep(folder: Path, used: Collection[str], seconds: float) -> None:
    """Removes every file that is older than so many seconds and is not one of the uploads used. Raises OSError."""
    kept = {reference.removeprefix("upload:") for reference in used}
    oldest = time.time() - seconds
    for place in folder.glob("*"):
        if place.stem not in kept and place.stat().st_mtime < oldest:
            place.unlink(missing_ok=True)


def _check(data: bytes) -> tuple[Image.Image, Image.Image | None]:
    if not data:
        raise Refused("The file is empty; choose a picture.")
    if len(data) > MEGABYTES * 2**20:
        raise Refused(LARGE_FILE)
    image = _open_picture(data)
    try:
        _admit(image)
        return _clean(image)
    except Refused:
        raise
    except MemoryError as error:
        raise Refused(TOO_LARGE) from error
    except Exception as error:  # decoders of damaged files raise almost anything
        raise Refused(DAMAGED_PICTURE) from error


def _open_picture(data: bytes) -> Image.Image:
    """Returns the picture with only its header read. Raises `Refused`."""
    try:
        return Image.open(io.BytesIO(data), formats=PICTURE_FORMATS)
    except UnidentifiedImageError as error:
        raise Refused(FOREIGN) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused(BOMB) from error
    except Exception as error:
        raise Refused(DAMAGED_PICTURE) from error


def _admit(image: Image.Image) -> None:
    """Checks the size in the header, and lets a large JPEG be decoded to a smaller picture. Raises `Refused`."""
    if 0 in image.size:
        raise Refused(DAMAGED_PICTURE)
    if image.width * image.height > MEGAPIXELS * 10**6:
        raise Refused(BOMB)
    if max(image.size) > LONGEST:
        raise Refused(
            f"The picture is {max(image.size)} pixels long and the limit is {LONGEST} a side; cut it smaller."
        )
    image.draft(None, (SIDE, SIDE))
    if image.width * image.height > DECODED_MEGAPIXELS * 10**6:
        raise Refused(HEAVY)


def _clean(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Returns the square of a picture, and a stretched one when it is very dark."""
    if image.mode.startswith("I;16"):
        image, usual = image.convert("I"), (0.0, 65535.0)
    elif image.mode in ("I", "F"):
        usual = _usual_range(*_extremes(image))
    else:
        plain = _on_white(_square(_eight_bit(image)))
        return plain, _brighten(plain, plain)
    square = _square(image)
    plain = _stretch(square, *usual)
    return plain, _brighten(plain, square)


def _brighten(plain: Image.Image, original: Image.Image) -> Image.Image | None:
    """Returns the original stretched between its extremes if its plain picture is very dark, else None."""
    low, high = _extremes(original)
    return _stretch(original, low, high) if low < high and _extremes(plain)[1] <= DARK else None


def _eight_bit(image: Image.Image) -> Image.Image:
    """Returns a picture of any other mode as L, LA, RGB or RGBA."""
    base = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    mode = f"{base}A" if image.has_transparency_data else base
    return image if image.mode == mode else image.convert(mode)


def _square(image: Image.Image) -> Image.Image:
    """Returns the largest centred square, upright, at most 512 pixels a side."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    if side <= SIDE:
        square = image.crop(box)
    else:
        square = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    ImageOps.exif_transpose(square, in_place=True)
    square.info = {}
    return square


def _on_white(image: Image.Image) -> Image.Image:
    """Returns a picture in L or RGB, on white if it was LA or RGBA."""
    if not image.mode.endswith("A"):
        return image
    flat = Image.new(image.mode.removesuffix("A"), image.size, "white")
    flat.paste(image, mask=image)
    return flat


def _extremes(image: Image.Image) -> tuple[float, float]:
    """Returns the smallest and the largest value of all channels. Raises `Refused` when they are not numbers."""
    bands = cast("list[tuple[float, float]]", [band.getextrema() for band in image.split()])
    low, high = min(low for low, _ in bands), max(high for _, high in bands)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Refused("The picture holds values that are not numbers; save it with 8 or 16 bits a channel.")
    return low, high


def _usual_range(low: float, high: float) -> tuple[float, float]:
    """Returns the values of black and white in a picture of floats or 32-bit integers with these extremes.

    They are the smallest usual range that holds every value, else the extremes themselves.
    """
    for top in (1, 255, 65535):
        if low >= 0 and high <= top:
            return 0, top
    return low, high


def _stretch(image: Image.Image, low: float, high: float) -> Image.Image:
    """Returns a picture of I, F, L or RGB in 8 bits, black at `low` and below, white at `high` and above."""
    scale = 255 / ((high - low) or 1)
    if image.mode in ("I", "F"):
        shift = 0.5 - low * scale
        return image.convert("F").point(lambda value: value * scale + shift).convert("L")
    table = [round((min(max(value, low), high) - low) * scale) for value in range(256)]
    return image.point(table * len(image.getbands()))
