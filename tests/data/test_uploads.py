"""What becomes of a picture somebody sends: the right colours, or one clear sentence."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from gradleak_core.data import uploads
from gradleak_core.types import Refused

FORMATS = tuple(form for form in uploads.PICTURE_FORMATS if form != "AVIF" or features.check("avif"))


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def cleaned(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(uploads.check_both(data)[0]))
    image.load()
    assert image.format == "PNG"
    return image


def halves(left: Any, right: Any, mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """A picture whose left half has one colour and whose right half another."""
    image = Image.new(mode, size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def ends(image: Image.Image) -> tuple[Any, Any]:
    """The colours in the middle of the left and of the right half."""
    return tuple(image.getpixel((x * image.width // 4, image.height // 2)) for x in (1, 3))  # type: ignore[return-value]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_keeps_its_colours(form: str) -> None:
    lossless = {"lossless": True} if form == "WEBP" else {}
    image = cleaned(encoded(halves("red", "blue"), form, **lossless))
    assert (image.mode, image.size) == ("RGB", (20, 20))
    assert np.allclose(ends(image), [(255, 0, 0), (0, 0, 255)], atol=4)


def test_grey_stays_grey() -> None:
    image = cleaned(encoded(halves(10, 200, "L")))
    assert (image.mode, ends(image)) == ("L", (10, 200))


def test_one_bit_becomes_black_and_white() -> None:
    assert ends(cleaned(encoded(halves(0, 1, "1")))) == (0, 255)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(form: str) -> None:
    image = Image.fromarray(np.tile(np.array([0, 128 * 257, 65535], np.uint16).repeat(10), (30, 1)))
    levels = cleaned(encoded(image, form))
    assert [levels.getpixel((x, 5)) for x in (5, 15, 25)] == [0, 128, 255]


@pytest.mark.parametrize("values", [(0.0, 0.5, 1.0), (0.0, 127.5, 255.0), (-3.0, 0.0, 3.0), (0.0, 5e5, 1e6)])
def test_floats_span_black_to_white(values: tuple[float, ...]) -> None:
    image = Image.fromarray(np.tile(np.array(values, np.float32).repeat(10), (30, 1)))
    levels = cleaned(encoded(image, "TIFF"))
    assert [levels.getpixel((x, 5)) for x in (5, 15, 25)] == pytest.approx([0, 127, 255], abs=1)


def test_floats_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(Refused, match="not numbers"):
        uploads.check_both(encoded(Image.fromarray(np.full((4, 4), np.inf, np.float32)), "TIFF"))[0]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(form: str) -> None:
    image = cleaned(encoded(halves((0, 255, 255, 0), (255, 255, 0, 0), "CMYK", (64, 32)), form))
    left, right = ends(image)
    assert left[0] > 200
    assert max(left[1:]) < 60
    assert right[2] > 200
    assert max(right[:2]) < 60


def test_a_palette_is_looked_up() -> None:
    assert ends(cleaned(encoded(halves("lime", "blue").quantize(4)))) == ((0, 255, 0), (0, 0, 255))


@pytest.mark.parametrize(
    "image",
    [halves((255, 0, 0, 0), (255, 0, 0, 255), "RGBA"), halves((255, 0, 0, 0), (255, 0, 0, 255), "RGBA").quantize(4)],
    ids=["rgba", "palette"],
)
def test_what_is_transparent_becomes_white(image: Image.Image) -> None:
    assert ends(cleaned(encoded(image))) == ((255, 255, 255), (255, 0, 0))


def test_grey_with_alpha_is_laid_on_white() -> None:
    image = cleaned(encoded(halves((0, 0), (0, 128), "LA")))
    assert (image.mode, ends(image)) == ("L", (255, 127))


def test_a_single_transparent_colour_becomes_white() -> None:
    image = cleaned(encoded(halves("red", "blue"), transparency=(255, 0, 0)))
    assert ends(image) == ((255, 255, 255), (0, 0, 255))


def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    exif[0x010E] = "my own garden"
    data = encoded(halves("red", "blue", size=(64, 32)), "JPEG", exif=exif, quality=95)
    assert b"my own garden" in data
    clean = uploads.check_both(data)[0]
    image = Image.open(io.BytesIO(clean))
    assert image.size == (32, 32)
    assert image.getpixel((16, 8))[0] > 200
    assert image.getpixel((16, 24))[2] > 200
    assert b"garden" not in clean
    assert image.info == {}


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(form: str) -> None:
    data = encoded(halves("red", "red"), form, save_all=True, append_images=[halves("blue", "blue")])
    image = cleaned(data)
    assert np.allclose(ends(image), [(255, 0, 0)] * 2, atol=4)


@pytest.mark.parametrize("form", FORMATS)
def test_one_pixel_is_enough(form: str) -> None:
    assert cleaned(encoded(Image.new("RGB", (1, 1), "white"), form)).size == (1, 1)


@pytest.mark.parametrize(
    ("size", "side"), [((2000, 1000), 512), ((3, 4000), 3), ((512, 9), 9), ((20_000, 10), 10), ((512, 512), 512)]
)
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_the_square_is_cut_before_it_is_made_smaller(form: str, size: tuple[int, int], side: int) -> None:
    assert cleaned(encoded(Image.new("RGB", size, "teal"), form)).size == (side, side)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_the_middle_of_a_very_wide_picture_is_kept_as_it_is(form: str) -> None:
    middle = Image.effect_noise((10, 10), 60).convert("RGB")
    wide = Image.new("RGB", (20_000, 10), "teal")
    wide.paste(middle, ((20_000 - 10) // 2, 0))
    assert cleaned(encoded(wide, form)).tobytes() == middle.tobytes()


def twelve_bits(size: tuple[int, int] = (40, 40), top: int = 4095) -> Image.Image:
    """A ramp from 0 to `top` in a picture of 16 bits a value, as many scanners write it."""
    return Image.fromarray(np.tile(np.linspace(0, top, size[0]).astype(np.uint16), (size[1], 1)))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_very_dark_picture_comes_stretched_too_with_all_its_levels(form: str) -> None:
    plain, stretched = uploads.check_both(encoded(twelve_bits(), form))
    assert Image.open(io.BytesIO(plain)).getextrema() == (0, 16)
    assert stretched is not None
    ramp = np.array(Image.open(io.BytesIO(stretched)))
    assert np.abs(ramp - np.linspace(0, 255, 40)).max() <= 1  # each rounds once


def test_a_dark_photo_is_stretched_without_changing_its_colours() -> None:
    stretched = uploads.check_both(encoded(halves((0, 0, 0), (60, 30, 0))))[1]
    assert stretched is not None
    assert ends(Image.open(io.BytesIO(stretched))) == ((0, 0, 0), (255, 128, 0))


@pytest.mark.parametrize(
    "image",
    [
        halves(0, 65, "L"),
        halves("black", "black"),
        halves((9, 9, 9, 0), (9, 9, 9, 255), "RGBA"),
        twelve_bits(top=16_800),
    ],
    ids=["bright enough", "all black", "on white", "sixteen bits"],
)
def test_nothing_is_stretched_that_is_not_very_dark_or_has_one_level(image: Image.Image) -> None:
    assert uploads.check_both(encoded(image))[1] is None


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """How a PNG begins."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    return header(width, height) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((6400, 6400), "40 million pixels"),
        ((10_000, 10_000), "40 million pixels"),
        ((60_000, 60_000), "40 million pixels"),
        ((3840, 2162), "8.3 million pixels"),
        ((1, 40_000_000), "40000000 pixels long"),
        ((40_000_000, 1), "40000000 pixels long"),
    ],
)
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        uploads.check_both(header_only(*size))[0]


def test_a_picture_of_a_4k_screen_is_read() -> None:
    assert cleaned(encoded(Image.new("RGB", (3840, 2160), "teal"), "PNG")).size == (512, 512)


def test_a_large_photo_is_read_at_a_part_of_its_size() -> None:
    assert cleaned(encoded(Image.new("RGB", (7000, 5000), "teal"), "JPEG")).size == (512, 512)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (encoded(halves("red", "blue"), "ICO"), "not a picture"),
        (encoded(halves("red", "blue"), "PDF"), "not a picture"),
        (b"\x00" * (8 * 2**20 + 1), "larger than 8 MB"),
        (header_only(20, 20), "cut off or damaged"),
        (encoded(Image.effect_noise((64, 64), 50))[:900], "cut off or damaged"),
        (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:900], "cut off or damaged"),
    ],
    ids=["empty", "text", "svg", "ico", "pdf", "large", "hollow", "cut png", "cut jpeg"],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence) as refused:
        uploads.check_both(data)[0]
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", FORMATS)
def test_damage_of_any_kind_is_refused_or_survived(form: str) -> None:
    noise, dice = Image.effect_noise((24, 24), 80).convert("RGB"), random.Random(form)
    original = encoded(noise, form)
    outcomes = set()
    for trial in range(120):
        data = bytearray(original)
        if trial % 2:
            del data[dice.randrange(len(data)) :]
        else:
            for _ in range(dice.randint(1, 6)):
                data[dice.randrange(min(len(data), dice.choice([64, 10_000])))] = dice.randrange(256)
        try:
            outcomes.add(cleaned(bytes(data)).mode)
        except Refused:
            outcomes.add("refused")
    assert "refused" in outcomes


def test_an_upload_is_kept_once_under_its_hash_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    reference = uploads.keep_upload(folder, uploads.check_both(encoded(halves("red", "blue"), "BMP"))[0])
    assert uploads.keep_upload(folder, uploads.check_both(encoded(halves("red", "blue")))[0]) == reference
    assert [file.name for file in folder.iterdir()] == [reference.removeprefix("upload:") + ".png"]
    assert ends(Image.open(uploads.upload_path(folder, reference))) == ((255, 0, 0), (0, 0, 255))


def test_nothing_is_kept_of_a_refused_upload(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        uploads.keep_upload(tmp_path, uploads.check_both(b"nonsense")[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../secret", "", "a" * 63, "A" * 64, "0" * 64 + "\n", "0" * 64 + "/../x"])
def test_a_reference_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="does not name an upload"):
        uploads.upload_path(tmp_path, f"upload:{name}")


def test_a_lost_upload_is_said_to_be_lost(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not kept here"):
        uploads.upload_path(tmp_path, "upload:" + "0" * 64)
