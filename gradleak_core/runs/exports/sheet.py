"""The contact sheet: a run on one PNG, which carries the set-up, so that dropping it on the Lab restores it. No torch.

The set-up stands as JSON in an iTXt chunk, uncompressed and before the pixels. Whoever reads it must not trust it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gradleak_core.config.admission import admit
from gradleak_core.config.schemas import fit_text
from gradleak_core.data.files import read_json
from gradleak_core.data.uploads import encode_png
from gradleak_core.runs.exports.drawing import HEIGHT, MARGIN, PAPER, SOFT, WIDTH, Drawing, wrap_text
from gradleak_core.runs.exports.recorded import (
    Recorded,
    Still,
    choose_by_change,
    choose_iterations,
    describe_scores,
    describe_setup,
)
from gradleak_core.types import JSON, Refused

KEY = b"gradleak"
"""The keyword of the chunk."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_SETUP = 64 * 1024
"""The most bytes of a set-up that are read."""
MOST_CHUNKS = 64
"""The most chunks that are looked at."""
SHOWN, ACROSS = 12, 4
PRIVATE, SMALL, FROM = 384, 256, 540
"""The pixels of the private picture, of a small picture and left of the small ones."""
UNUSABLE = "its text is not the JSON of a set-up; choose another sheet, or use this one as a picture."


def draw_sheet(recorded: Recorded) -> bytes:
    """Returns a PNG of 1920 × 1080 pixels with twelve frames of a run, and the set-up in it, if the run has one."""
    drawing = Drawing(recorded)
    sheet = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    drawing.write(sheet, (MARGIN, 40), fit_text(recorded.title, 88), 44)
    for index, (numbers, picture) in enumerate(choose_shown(recorded)):
        apart = (WIDTH - MARGIN - FROM - ACROSS * SMALL) // (ACROSS - 1)
        left, top = FROM + index % ACROSS * (SMALL + apart), 130 + index // ACROSS * (SMALL + 56)
        sheet.paste(drawing.panel(picture, recorded.batch, SMALL), (left, top))
        looks, *scores = describe_scores(numbers) or [""]
        drawing.write(sheet, (left, top + SMALL + 4), f"iteration {numbers['iteration']}   {looks}", 20)
        drawing.write(sheet, (left, top + SMALL + 27), "   ".join(scores), 18, SOFT)
    if recorded.truth is not None:
        sheet.paste(drawing.panel(recorded.truth, recorded.batch, PRIVATE), (MARGIN, 130))
        drawing.write(sheet, (MARGIN, 130 + PRIVATE + 4), "Private picture", 20)
    for number, line in enumerate(side_lines(recorded)):
        drawing.write(sheet, (MARGIN, 575 + 30 * number), line, 22)
    drawing.write(sheet, (MARGIN, HEIGHT - 40), "Drop this picture on the Lab to restore its set-up.", 18, SOFT)
    info = PngInfo()
    if recorded.experiment:
        info.add_itxt(KEY.decode(), json.dumps({"experiment": recorded.experiment}))
    return encode_png(sheet, pnginfo=info)


def choose_shown(recorded: Recorded) -> list[Still]:
    """Returns the frames of a sheet with their pictures: chosen by what changes, and all that the verdict names."""
    chosen = choose_iterations([numbers for numbers, _ in recorded.shown], SHOWN, choose_by_change)
    return [frame for frame in recorded.shown if frame[0]["iteration"] in chosen]


def side_lines(recorded: Recorded) -> list[str]:
    """Returns the lines beside the pictures of a sheet: the verdict, then the set-up."""
    texts = [recorded.verdict, "", *describe_setup(recorded)]
    return [line for text in texts for line in wrap_text(text, 40)][:15]


def read_setup(data: bytes) -> JSON:
    """Returns the set-up that a contact sheet carries, unchecked; None for any other file.

    Raises `Refused` when the chunk is there and does not hold a JSON object.
    """
    text = next((text for text in list_texts(data) if text.startswith(KEY + b"\0")), None)
    if text is None:
        return None
    try:
        content = text[len(KEY) :].split(b"\0", 5)
        compressed, size = text[len(KEY) + 1 : len(KEY) + 2] != b"\0", len(text)
        if compressed or size > MOST_SETUP or len(content) < 6:
            raise Refused(UNUSABLE)
        value = read_json(content[5].decode())
        found = value["experiment"]
    except (ValueError, TypeError, KeyError) as error:
        raise Refused(UNUSABLE) from error
    if not isinstance(found, dict):
        raise Refused(UNUSABLE)
    return found


def look_for_setup(
    data: bytes, catalogue: JSON, folder: Path, check: Callable[[Sequence[JSON]], None] = lambda _: None
) -> dict[str, JSON]:
    """Returns what a file says of a set-up: `setup` where one can be used here, `spoilt` with the reason where not.

    The result is empty for any other picture. Nothing in the file is trusted: the set-up passes the same check as a
    link's, and any failure is a sentence. `check` raises `Refused` for pictures that its bearer may not use.
    """
    try:
        found = read_setup(data)
        check([] if found is None else [found])
        return {} if found is None else {"setup": admit(found, catalogue, folder)}
    except Refused as refused:
        return {"spoilt": f"The set-up in this picture cannot be used here: {refused}"}


def list_texts(data: bytes) -> Iterator[bytes]:
    """Yields the content of the iTXt chunks before the pixels of a PNG; none for any other file."""
    at = len(SIGNATURE) if data.startswith(SIGNATURE) else len(data)
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return
        if kind == b"iTXt":
            yield data[at + 8 : at + 8 + length]
        at += 12 + length
