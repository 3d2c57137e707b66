"""What an export draws with, and one frame of a run: private picture, guess, error, curves and caption.

Animation, video and contact sheet are made of it, those of a race too.
Lengths are those of a picture of 1920 × 1080 pixels, and are scaled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFont

from gradleak_core.config.schemas import fit_text
from gradleak_core.runs.curves import choose_telling
from gradleak_core.runs.exports.recorded import (
    MEASURES,
    Recorded,
    Still,
    describe_scores,
    describe_setup,
    name_measure,
)
from gradleak_core.types import JSON

WIDTH, HEIGHT, MARGIN = 1920, 1080, 70
SIDE, GAP, TOP = 576, 26, 180
"""The pixels of a panel's side, between two panels and above them."""
BELOW = TOP + SIDE + 30
"""The pixels above the curves."""
PAPER, INK, SOFT, LINE, ACCENT, SECOND, FAULT = (
    "#ffffff", "#1d2430", "#5d6676", "#d5dae2", "#0b6e75", "#8a4baf", "#c2571a",
)  # fmt: skip
FULL_ERROR = 64
"""The error of a pixel, of 255 and as the mean over its colours, from which it is drawn in full; as in the view."""
GREY = (1 / 3, 1 / 3, 1 / 3, 0)
"""The weights of red, green and blue in the error of a pixel."""
PANELS = ("Private picture", "Attacker's guess", "Error: pale is the same")
ChartPoint = tuple[float, float]


class ChartLine(NamedTuple):
    """A curve of a chart: its name, its colour, and its points in [0, 1] × [0, 1]."""

    name: str
    colour: str
    points: list[ChartPoint]


class Film:
    """A picture for each of its `moments`, drawn at a share of 1920 × 1080 pixels."""

    moments: Sequence[Any] = ()

    def __init__(self, scale: float) -> None:
        self.scale = scale

    @property
    def size(self) -> tuple[int, int]:
        """The width and the height of each picture, in pixels."""
        return self.px(WIDTH), self.px(HEIGHT)

    def px(self, length: float) -> int:
        """Returns a length in pixels of this drawing."""
        return round(length * self.scale)

    def frame(self, moment: Any) -> Image.Image:
        """Returns the picture of one of the moments."""
        raise NotImplementedError

    def panel(self, stack: Image.Image, batch: int, side: float) -> Image.Image:
        """Returns the pictures of a stack on a grid, enlarged with sharp pixels to a square of so many pixels."""
        return fit_square(arrange_grid(stack, batch), self.px(side))

    def paste(self, image: Image.Image, part: Image.Image, at: ChartPoint) -> None:
        """Puts a part into an image. The place is that of the whole picture."""
        image.paste(part, (self.px(at[0]), self.px(at[1])))

    def write(self, image: Image.Image, at: ChartPoint, text: str, size: int, colour: str = INK) -> None:
        """Writes a line of text into an image. Place and size are those of the whole picture."""
        font = find_font(self.px(size))
        shown = text.replace("×", "x")  # which Pillow's own font does not have
        ImageDraw.Draw(image).text((self.px(at[0]), self.px(at[1])), shown, fill=colour, font=font)


class Drawing(Film):
    """The frames of one run. What stays the same is drawn once."""

    def __init__(self, recorded: Recorded, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.recorded, self.moments = recorded, recorded.shown
        self.left = [MARGIN + index * (SIDE + GAP) for index in range(3)]
        self.last = max(recorded.length, 2)
        measure = name_measure(recorded.frames)
        distance = f"gradient distance, log, 1 to {recorded.length} iterations"
        lines = [
            ChartLine(distance, ACCENT, distance_points(recorded)),
            ChartLine(f"{MEASURES[measure]}, 0 to 1", SECOND, score_points(recorded, measure)),
        ]
        self.chart = Chart(lines, (self.px(2 * SIDE), self.px(HEIGHT - BELOW - 70)), scale)
        self.base = self._draw_base()

    def frame(self, moment: Still) -> Image.Image:
        """Returns the drawing of one frame, from its numbers and its guess; the last one has the verdict too."""
        numbers, guess = moment
        image, truth = self.base.copy(), self.recorded.truth
        self._paste(image, 1, guess)
        if truth is not None:
            self._paste(image, 2, difference(truth, guess))
        self.paste(image, self.chart.until((numbers["iteration"] - 1) / (self.last - 1)), (MARGIN, BELOW))
        rows = [f"iteration {numbers['iteration']}", *describe_scores(numbers), seconds_text(numbers)]
        for index, text in enumerate(filter(None, rows)):
            self.write(image, (self.left[2], BELOW + 8 + 50 * index), text, 36)
        if numbers["iteration"] == self.recorded.shown[-1][0]["iteration"]:
            self.write(image, (MARGIN, HEIGHT - 56), fit_text(self.recorded.verdict, 120), 30)
        return image

    def _draw_base(self) -> Image.Image:
        image = Image.new("RGB", self.size, PAPER)
        self.write(image, (MARGIN, 30), fit_text(self.recorded.title, 88), 44)
        about = "   ".join(describe_setup(self.recorded)[1:])
        self.write(image, (MARGIN, 88), fit_text(about, 150), 26, SOFT)
        for left, name in zip(self.left, PANELS, strict=True):
            self.write(image, (left, TOP - 40), name, 28)
        if self.recorded.truth is not None:
            self._paste(image, 0, self.recorded.truth)
        return image

    def _paste(self, image: Image.Image, index: int, stack: Image.Image) -> None:
        self.paste(image, self.panel(stack, self.recorded.batch, SIDE), (self.left[index], TOP))


class Chart:
    """Curves that are drawn up to a moment, and pale beyond it.

    Their names stand above them; with a heading, which then stands there, at their right ends. `level` is the height of
    a grey line across.
    """

    def __init__(
        self, lines: Sequence[ChartLine], size: tuple[int, int], scale: float, heading: str = "", level: float = 0.0
    ) -> None:
        self.lines, self.size, self.scale, self.heading, self.level = lines, size, scale, heading, level
        self.axis = round(34 * scale)
        self.across = size[0] - (round(44 * scale) if heading else 0)
        self.faint, self.full = (self._draw(pale=pale) for pale in (True, False))

    def until(self, share: float) -> Image.Image:
        """Returns the chart with its curves drawn in full up to a share of its width."""
        x = max(1, min(self.across, round(self.across * share)))
        image = self.faint.copy()
        image.paste(self.full.crop((0, 0, x, self.size[1])), (0, 0))
        ImageDraw.Draw(image).line([(x - 1, self.axis), (x - 1, self.size[1])], fill=INK, width=max(1, self.axis // 17))
        return image

    def _draw(self, *, pale: bool) -> Image.Image:
        """Draws at twice the size and makes it smaller, so that lines are smooth."""
        width, (height, axis) = 2 * self.across, (2 * length for length in (self.size[1], self.axis))
        image = Image.new("RGB", (2 * self.size[0], height), PAPER)
        draw, font, x = ImageDraw.Draw(image), find_font(round(40 * self.scale)), 0.0
        draw.text((0, 0), self.heading, fill=INK, font=font)
        for y in (axis, height - 1, axis + (1 - self.level) * (height - 1 - axis)):
            draw.line([(0, y), (width, y)], fill=LINE, width=2)
        drawn = [line for line in self.lines if line.points]
        ends = spread_ends([line.points[-1][1] for line in drawn], 44 * self.scale / (height - axis))
        for (name, colour, points), end in zip(drawn, ends, strict=True):
            shade = blend(colour, 0.25) if pale else colour
            draw.line([(px * width, axis + (1 - py) * (height - 1 - axis)) for px, py in points], fill=shade,
                      width=max(2, round(6 * self.scale)), joint="curve")  # fmt: skip
            if self.heading:
                beside = points[-1][0] * width + 12 * self.scale
                draw.text((beside, axis + (1 - end) * (height - axis - 48 * self.scale)), name, fill=colour, font=font)
            else:
                draw.text((x, 0), name, fill=shade, font=font)
                x += draw.textlength(name + "    ", font=font)
        return image.resize(self.size, Image.Resampling.LANCZOS)


def spread_ends(ends: Sequence[float], apart: float) -> list[float]:
    """Returns heights in [0, 1] in the order of those given, no two nearer than `apart` if there is room."""
    order = sorted(range(len(ends)), key=lambda index: ends[index])
    apart = min(apart, 1 / max(1, len(ends)))
    places = dict.fromkeys(order, 0.0)
    low = 0.0
    for index in order:
        places[index] = low = max(ends[index], low)
        low += apart
    high = 1.0
    for index in reversed(order):
        places[index] = high = min(places[index], high)
        high -= apart
    return [places[index] for index in range(len(ends))]


def distance_points(recorded: Recorded) -> list[ChartPoint]:
    """Returns the distance as points in [0, 1] × [0, 1], logarithmic, the lowest at 0; none where it is not known."""
    columns = recorded.columns
    values = columns.get("distance") or next(iter(columns.values()), [])
    logs = [math.log10(v) if isinstance(v, (int, float)) and v > 0 else None for v in values]
    known = [(i, v) for i in choose_telling({"distance": logs}, 0, 1500) if (v := logs[i]) is not None]
    if len(known) < 2:
        return []
    low, high = min(v for _, v in known), max(v for _, v in known)
    return [(i / max(1, len(values) - 1), (v - low) / ((high - low) or 1)) for i, v in known]


def score_points(recorded: Recorded, measure: str) -> list[ChartPoint]:
    """Returns a measure of each frame as points in [0, 1] × [0, 1]; none where it was not measured."""
    last = max(recorded.length, 2) - 1
    rows = [(frame["iteration"], (frame.get("metrics") or {}).get(measure)) for frame in recorded.frames]
    found = [((i - 1) / last, min(1.0, max(0.0, value))) for i, value in rows if value is not None]
    return found if len(found) > 1 else []


def difference(one: Image.Image, other: Image.Image) -> Image.Image:
    """Returns the error of each pixel in one colour: clear where both pictures are the same, full where far apart."""
    error = ImageChops.difference(one, other).convert("L", GREY)
    apart = error.point(lambda value: min(255, value * 255 // FULL_ERROR))
    return Image.composite(Image.new("RGB", one.size, FAULT), Image.new("RGB", one.size, "#f1f3f6"), apart)


def arrange_grid(stack: Image.Image, batch: int) -> Image.Image:
    """Returns the pictures of a stack, top to bottom, as a square grid."""
    across, height = math.ceil(math.sqrt(batch)), stack.height // batch
    grid = Image.new("RGB", (across * stack.width, math.ceil(batch / across) * height), PAPER)
    for index in range(batch):
        image = stack.crop((0, index * height, stack.width, (index + 1) * height))
        grid.paste(image, (index % across * stack.width, index // across * height))
    return grid


def fit_square(image: Image.Image, side: int) -> Image.Image:
    """Returns an image as large as fits into the corner of a square, with sharp pixels where it is enlarged."""
    factor = min(side / image.width, side / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    whole = math.ceil(factor)
    sharp = image.resize((image.width * whole, image.height * whole), Image.Resampling.NEAREST)
    fitted = sharp.resize(size, Image.Resampling.BOX if factor >= 1 else Image.Resampling.LANCZOS)
    square = Image.new("RGB", (side, side), PAPER)
    square.paste(fitted, (0, 0))
    return square


def seconds_text(numbers: JSON) -> str:
    """Returns a frame's seconds of computing in words; empty where they are not known."""
    seconds = numbers.get("seconds")
    return f"{seconds:.1f} s of computing" if isinstance(seconds, (int, float)) else ""


def blend(colour: str, share: float) -> str:
    """Returns a colour made paler: so large a share of it on the paper."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02x}" for part in parts)


def find_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns Pillow's own font at a size in pixels."""
    return ImageFont.load_default(max(8, size))


def wrap_text(text: str, most: int) -> Sequence[str]:
    """Returns a text in lines of at most so many characters, broken between words."""
    lines = [""]
    for word in text.split():
        line = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], line] if len(line) <= most else [*lines, word[:most]]
    return lines
