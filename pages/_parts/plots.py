"""Small figures as inline SVG, drawn in the colour of the text, so that they need no library and suit both themes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from gradleak_core.config.schemas import fit_text
from gradleak_core.types import JSON
from gradleak_core.verdicts import SEEN

GREEN, ORANGE, VIOLET = "#158076", "#C2571A", "#8A6FD0"
"""Colours that stand out on light and dark alike."""
WIDTH, TOP, BOTTOM, LEFT, RIGHT = 680, 96, 330, 62, 662
THUMB = 56
"""The side of a thumbnail above the chart."""
LONGEST = 11
"""The most characters under a thumbnail."""
MOST_THUMBS = 10
"""The most thumbnails that find room in a row."""


@dataclass(frozen=True)
class Axis:
    """The leakage axis of a trade-off: its title, and the values that stand at even steps from left to right."""

    title: str
    stops: tuple[float, ...]
    words: tuple[str, ...] = ()
    """What each step between two stops is called; without words the stops are written."""

    def place(self, value: float) -> float:
        """Returns where a value stands, from 0 at the left end to 1 at the right end."""
        steps = len(self.stops) - 1
        for at, (low, high) in enumerate(zip(self.stops, self.stops[1:], strict=False)):
            if value <= high:
                return (at + max(0.0, (value - low) / (high - low))) / steps
        return 1.0


SEEN_AXIS = Axis("What is seen of the private picture", (*SEEN.values(), 1.0), tuple(SEEN))
"""The likeness, with a step of equal width for each word."""
SSIM_AXIS = Axis("Leakage: SSIM", (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))


def psnr_axis(values: Sequence[float]) -> Axis:
    """Returns an axis in decibels that holds these values, with a stop every ten or more."""
    step = 10 * max(1, round((max(values) - min(values)) / 60))
    low, high = int(min(values) // step), int(max(values) // step) + 1
    return Axis("Leakage: PSNR in dB", tuple(float(step * at) for at in range(low, high + 1)))


@dataclass(frozen=True)
class Dot:
    """One setting in a trade-off: its values of leakage and accuracy by seed, and the recovered picture."""

    leakage: tuple[float, ...]
    accuracy: tuple[float, ...]
    label: str = ""
    picture: str = ""
    """A data address; empty if there is none."""
    colour: str = GREEN
    chosen: bool = False
    draft: bool = False
    """True for one that is drawn hollow, because its training goes on."""


@dataclass(frozen=True)
class Curve:
    """Dots that a line joins. Those of a faint one are specks without a line."""

    dots: tuple[Dot, ...]
    faint: bool = False


def mean(values: Sequence[float]) -> float:
    """Returns the mean of at least one value."""
    return sum(values) / len(values)


def trade_off_chart(curves: Sequence[Curve], axis: Axis, says: str) -> str:
    """Returns a chart of accuracy upwards over leakage to the right, with the recovered pictures in a row above it.

    Bars reach from the lowest to the highest value. `says` tells a screen reader what is in it.
    """
    dots = [dot for curve in curves if not curve.faint for dot in curve.dots]
    frame = Frame(axis)
    parts = [*frame.grid(), *(frame.line(curve) for curve in curves if not curve.faint), *frame.thumbnails(dots)]
    others = [dot for curve in curves if curve.faint for dot in curve.dots]
    parts += [disc(*frame.at(dot), 3, "currentColor", 0.3) for dot in others]
    parts += [mark for dot in sorted(dots, key=lambda dot: dot.chosen) for mark in frame.marks(dot)]
    return svg(WIDTH, BOTTOM + 58, parts, says)


@dataclass(frozen=True)
class Frame:
    """Turns leakage and accuracy into places on the chart, whose edges are the same for every defence."""

    axis: Axis

    def x(self, leakage: float) -> float:
        return LEFT + self.axis.place(leakage) * (RIGHT - LEFT)

    def y(self, accuracy: float) -> float:
        return BOTTOM - accuracy * (BOTTOM - TOP)

    def grid(self) -> list[str]:
        """Returns the lines and texts of both axes."""
        parts = [text(14, (TOP + BOTTOM) / 2, "Accuracy", turned=True)]
        parts += [text((LEFT + RIGHT) / 2, BOTTOM + 48, self.axis.title)]
        for percent in range(0, 101, 20):
            y = self.y(percent / 100)
            parts += [rule(LEFT, y, RIGHT, y), text(LEFT - 8, y + 4, f"{percent}%", anchor="end")]
        for at, stop in enumerate(self.axis.stops):
            parts += [rule(self.x(stop), TOP, self.x(stop), BOTTOM)]
            if not self.axis.words:
                parts += [text(self.x(stop), BOTTOM + 20, f"{stop:g}")]
            elif at < len(self.axis.words):
                middle = (self.x(stop) + self.x(self.axis.stops[at + 1])) / 2
                parts += [text(middle, BOTTOM + 20, self.axis.words[at])]
        return parts

    def at(self, dot: Dot) -> tuple[float, float]:
        return self.x(mean(dot.leakage)), self.y(mean(dot.accuracy))

    def line(self, curve: Curve) -> str:
        """Returns the line through the dots of a curve."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, curve.dots))
        return tag("polyline", points=places, fill="none", stroke=curve.dots[-1].colour, stroke_width=2, opacity=0.7)

    def marks(self, dot: Dot) -> list[str]:
        """Returns the mark of a dot and the bars of its spread."""
        x, y = self.at(dot)
        ends = [(self.x(min(dot.leakage)), y, self.x(max(dot.leakage)), y)]
        ends += [(x, self.y(max(dot.accuracy)), x, self.y(min(dot.accuracy)))]
        bars = [line(*bar, dot.colour, stroke_width=2) for bar in ends if bar[:2] != bar[2:]]
        size, fill = 9 if dot.chosen else 6, "none" if dot.draft else dot.colour
        place = {"cx": x, "cy": y, "stroke": dot.colour, "stroke_width": 2}
        low, high = min(dot.accuracy), max(dot.accuracy)
        spread = f", from {low:.1%} to {high:.1%}" if low < high else ""
        name = tag("title", escape(f"{dot.label}: accuracy {mean(dot.accuracy):.1%}{spread}"))
        ring = [tag("circle", r=14, fill="none", **place)] if dot.chosen else []
        return [*bars, *ring, tag("circle", name, r=size, fill=fill, data_pick=dot.label, **place)]

    def thumbnails(self, dots: Sequence[Dot]) -> list[str]:
        """Returns the pictures of the dots, from left to right as these stand, each with a line to its dot."""
        shown = sorted((dot for dot in dots if dot.picture), key=lambda dot: self.at(dot)[0])[:MOST_THUMBS]
        gap, parts = (RIGHT - LEFT) / max(len(shown), 1), []
        for number, dot in enumerate(shown):
            middle, (x, y) = LEFT + gap * (number + 0.5), self.at(dot)
            look = {"stroke_width": 2, "opacity": 0.9} if dot.chosen else {"stroke_width": 1, "opacity": 0.45}
            parts += [line(middle, THUMB + 29, x, y, dot.colour, **look)]
            place = {"x": middle - THUMB / 2, "y": 3, "width": THUMB, "height": THUMB}
            parts += [
                tag("rect", fill="none", stroke=dot.colour, stroke_width=5 if dot.chosen else 2, **place),
                tag("image", tag("title", escape(dot.label)), href=dot.picture, data_pick=dot.label,
                    style="image-rendering:pixelated", **place),
                text(middle, THUMB + 24, fit_text(dot.label, LONGEST), size=12),
            ]  # fmt: skip
        return parts


ROW, NAME, VALUES = 24, 250, 575
"""The height of a row of a plot of values, the width of its name, and the right end of its values."""
LETTER = 7.5
"""The width of a letter of such a name, at most on average."""


def value_plot(figure: JSON) -> str:
    """Returns a plot with a row for each group of a claim: every value with their mean, or a share with its interval.

    `figure` is as `benchmarks.claims.figure` writes it.
    """
    rows, floor = figure["rows"], figure["floor"]
    ends = [0.0, *([floor["value"]] if floor else [])]
    ends += [value for row in rows for value in row.get("values", (row.get("high"),))]
    low, high = min(ends), max([*ends, 1.0] if figure["share"] else ends) or 1.0
    scale = Scale(low, high * 1.02)
    height = ROW * len(rows) + 8
    parts = scale.grid(height, "%" if figure["share"] else "")
    for number, row in enumerate(rows):
        parts += scale.row(row, ROW * (number + 0.5) + 4)
    parts += [text((NAME + VALUES) / 2, height + 42, figure["title"], size=13)]
    if floor:
        x = scale.x(floor["value"])
        parts += [line(x, 0, x, height, ORANGE, stroke_width=2, stroke_dasharray="5 4")]
    parts += draw_key(height + 66, floor["name"] if floor else "", share=figure["share"])
    wider = max(0.0, max(LETTER * len(row["name"]) for row in rows) + 10 - NAME)
    return svg(VALUES + 90, height + 72, parts, describe_rows(figure), left=-wider)


def draw_key(y: float, floor: str, *, share: bool) -> list[str]:
    """Returns what each mark of a plot of values means, side by side at a height."""
    x = NAME
    bar = line(x + 150, y - 4, x + 176, y - 4, GREEN, stroke_width=3)
    if share:
        parts = [disc(x + 5, y - 4, 5, GREEN), text(x + 16, y, "share of all", anchor="start", size=12), bar]
        parts += [text(x + 182, y, "its 95 % interval", anchor="start", size=12)]
    else:
        parts = [disc(x + 5, y - 4, 4, GREEN, 0.55), text(x + 16, y, "each result", anchor="start", size=12)]
        parts += [line(x + 163, y - 12, x + 163, y + 4, GREEN, stroke_width=3)]
        parts += [text(x + 182, y, "their mean", anchor="start", size=12)]
    if floor:
        parts += [line(x + 306, y - 13, x + 306, y + 5, ORANGE, stroke_width=2, stroke_dasharray="5 4")]
        parts += [text(x + 316, y, floor, anchor="start", size=12)]
    return parts


@dataclass(frozen=True)
class Scale:
    """Turns the values between two ends into places in a row of a plot."""

    low: float
    high: float

    def x(self, value: float) -> float:
        return NAME + (value - self.low) / (self.high - self.low) * (VALUES - NAME)

    def grid(self, height: float, unit: str) -> list[str]:
        """Returns the lines of the scale with their values."""
        step = 10.0 ** math.floor(math.log10(self.high - self.low))
        step = next(step * part for part in (0.2, 0.5, 1, 2) if (self.high - self.low) / (step * part) <= 6)
        parts = []
        for at in range(math.ceil(self.low / step), math.floor(self.high / step) + 1):
            written = f"{at * step:.0%}" if unit else f"{at * step:.4g}"
            parts += [rule(self.x(at * step), 0, self.x(at * step), height)]
            parts += [text(self.x(at * step), height + 18, written, size=12)]
        return parts

    def row(self, row: JSON, y: float) -> list[str]:
        """Returns the marks of a row, with its name before and the number of its values behind them."""
        count = row["n"] if "n" in row else len(row["values"])
        parts = [text(NAME - 10, y + 5, row["name"], anchor="end", size=13)]
        parts += [text(VALUES + 8, y + 5, f"n = {count:,}", anchor="start", size=12)]
        if "share" in row:
            parts += [line(self.x(row["low"]), y, self.x(row["high"]), y, GREEN, stroke_width=3)]
            return [*parts, disc(self.x(row["share"]), y, 5, GREEN)]
        parts += [disc(self.x(value), y, 4, GREEN, 0.55) for value in row["values"]]
        x = self.x(mean(row["values"]))
        return [*parts, line(x, y - 9, x, y + 9, GREEN, stroke_width=3)]


def disc(x: float, y: float, size: float, colour: str, strength: float = 1.0) -> str:
    """Returns a filled circle."""
    return tag("circle", cx=x, cy=y, r=size, fill=colour, opacity=strength)


def describe_rows(figure: JSON) -> str:
    """Says in words what a plot of values shows."""
    said = [f"{row['name']} {row['share']:.1%}" if "share" in row else f"{row['name']} {mean(row['values']):.3g}"
            for row in figure["rows"]]  # fmt: skip
    return f"{figure['title']}: {', '.join(said)}"


def line(x1: float, y1: float, x2: float, y2: float, colour: str, **look: Any) -> str:
    """Returns a line from one place to another."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, **look)


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    """Returns a line of the grid."""
    return line(x1, y1, x2, y2, "currentColor", opacity=0.18)


def text(x: float, y: float, words: str, *, anchor: str = "middle", turned: bool = False, size: int = 14) -> str:
    """Returns a text at a place; a turned one reads upwards."""
    turn = {"transform": f"rotate(-90 {x:.1f} {y:.1f})"} if turned else {}
    return tag("text", escape(words), x=x, y=y, text_anchor=anchor, font_size=size, fill="currentColor", **turn)


def svg(width: float, height: float, parts: Sequence[str], says: str, *, left: float = 0.0) -> str:
    """Returns a figure as wide as its place allows, which a screen reader reads as one picture.

    It reaches from `left` to `width`.
    """
    whole = width - left
    style = f"display:block;width:100%;max-width:{1.25 * whole:g}px;height:auto"
    box = f"{left:g} 0 {whole:g} {height:g}"
    return tag("svg", "".join(parts), viewBox=box, role="img", aria_label=says, style=style)


def tag(name: str, inside: str = "", /, **attributes: Any) -> str:
    """Returns an element of SVG with what is `inside` it. `_` in an attribute's name is a hyphen there."""
    said = {key: f"{value:.4g}" if isinstance(value, float) else str(value) for key, value in attributes.items()}
    written = "".join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in said.items())
    return f"<{name}{written}>{inside}</{name}>"
