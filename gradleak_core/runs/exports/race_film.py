"""A race on one picture: lanes side by side, the private picture once, one clock, and curves on common axes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from PIL import Image

from gradleak_core.config.schemas import fit_text
from gradleak_core.runs.exports.drawing import (
    GAP,
    HEIGHT,
    INK,
    MARGIN,
    PAPER,
    SOFT,
    WIDTH,
    Chart,
    ChartLine,
    ChartPoint,
    Film,
    wrap_text,
)  # fmt: skip
from gradleak_core.runs.exports.raced import NEAR, Raced, frame_place, state_of
from gradleak_core.runs.exports.recorded import MEASURES, Recorded, Still, describe_scores, name_measure
from gradleak_core.types import JSON
from gradleak_core.verdicts import RECOGNISABLE_SSIM, SEEN

LANE_COLOURS = (
    "#0b6e75", "#8a4baf", "#c2571a", "#2f5fb3", "#7a6a00", "#b3306b",
    "#3c8f4e", "#5d6676", "#a8442a", "#4c3fa8", "#00839a", "#7d2a2a",
)  # fmt: skip
"""The colours of the lanes, in order."""
HEAD, FOOT = 136, 70
"""The pixels above the panels and below the curves."""
CHART_HIGH = 230
"""The least pixels of the curves' height."""
ABOVE, UNDER = 66, 84
"""The pixels of the words above and below a panel."""
LARGEST_PANEL = 510
"""The pixels of the largest panel's side."""
INSET = 0.34
"""The share of a panel's side that its private picture takes where the lanes have different ones."""


class RaceFilm(Film):
    """The moments of a race. What stays the same is drawn once."""

    def __init__(self, race: Raced, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.race, self.moments = race, race.moments
        self.alone = race.truth is not None
        across, self.side = fit_panels(len(race.lanes) + self.alone)
        step, row = self.side + GAP, self.side + ABOVE + UNDER
        below = HEAD + math.ceil((len(race.lanes) + self.alone) / across) * row + 10
        self.places = [
            (MARGIN + index % across * step, HEAD + ABOVE + index // across * row)
            for index in range(len(race.lanes) + self.alone)
        ]
        self.small = 26 if self.side > 260 else 22
        wide = (WIDTH - 2 * MARGIN - GAP) // 2
        self.charts = [
            (chart, (MARGIN + number * (wide + GAP), below))
            for number, chart in enumerate(draw_charts(race, (self.px(wide), self.px(HEIGHT - FOOT - below)), scale))
        ]
        self.base = self._draw_base()

    def frame(self, moment: float) -> Image.Image:
        """Returns the picture of a moment; the last one has the verdict too."""
        image, race = self.base.copy(), self.race
        for lane, at in zip(race.lanes, self.places[self.alone :], strict=True):
            self._draw_lane(image, lane, race.look(lane, moment), at, moment)
        for chart, at in self.charts:
            self.paste(image, chart.until(place_share(race, moment)), at)
        clock = f"{race.clock(moment)} of {race.clock(race.end).removeprefix('iteration ')}"
        self.write(image, (WIDTH - MARGIN - 400, 34), clock, 34)
        if moment == self.moments[-1]:
            self.write(image, (MARGIN, HEIGHT - 52), *fit_verdict(race))
        return image

    def _draw_base(self) -> Image.Image:
        image = Image.new("RGB", self.size, PAPER)
        self.write(image, (MARGIN, 26), fit_text(self.race.title, 60), 44)
        self.write(image, (MARGIN, 86), fit_text(str(self.race.value.get("shared") or ""), 140), 26, SOFT)
        most = int(self.side / self.small / 0.52)
        named = list(zip(self.race.names, LANE_COLOURS, strict=False))
        for (name, colour), (left, top) in zip(
            [("Private picture", INK)] * self.alone + named, self.places, strict=True
        ):
            lines = fit_lines(name, most, 2)
            for index, line in enumerate(reversed(lines), 1):
                self.write(image, (left, top - 30 * index), line, self.small, colour)
        if (truth := self.race.truth) is not None:
            self.paste(image, self.panel(truth, self.race.batch, self.side), self.places[0])
        return image

    def _draw_lane(
        self, image: Image.Image, lane: Recorded, still: Still | None, at: ChartPoint, moment: float
    ) -> None:
        """Draws the guess of a lane, and below it what is seen of it and of which iteration it is."""
        left, top = at
        most = int(self.side / self.small / 0.52)
        if still is not None:
            self.paste(image, self.panel(still[1], lane.batch, self.side), at)
        if not self.alone and lane.truth is not None:
            inset = self.side * INSET
            place = (left + self.side - inset, top + self.side - inset)
            self.paste(image, self.panel(lane.truth, lane.batch, inset), place)
        for index, line in enumerate(caption(self.race, lane, still, moment, most)):
            colour = INK if index == 0 else SOFT
            self.write(image, (left, top + self.side + 4 + 26 * index), line, self.small, colour)


def fit_panels(count: int) -> tuple[int, int]:
    """Returns how many panels stand in a row, in one or two rows, and the side that is the largest then."""
    room = HEIGHT - HEAD - CHART_HIGH - FOOT - 10
    found = []
    for rows in (1, 2):
        across = math.ceil(count / rows)
        wide, high = (WIDTH - 2 * MARGIN - (across - 1) * GAP) / across, room / rows - ABOVE - UNDER
        found.append((int(min(wide, high, LARGEST_PANEL)), across))
    side, across = max(found)
    return across, side


def fit_verdict(race: Raced) -> tuple[str, int]:
    """Returns the verdict and the size at which it fits a line."""
    return (race.verdict, 28) if len(race.verdict) <= 120 else (fit_text(race.verdict, 165), 22)


def fit_lines(text: str, most: int, rows: int) -> list[str]:
    """Returns a text in at most so many lines of so many characters; what is left out is marked."""
    lines = list(wrap_text(text, most))
    return [*lines[: rows - 1], fit_text(" ".join(lines[rows - 1 :]), most)] if len(lines) > rows else lines


def caption(race: Raced, lane: Recorded, still: Still | None, moment: float, most: int) -> list[str]:
    """Returns the lines below a panel: what is seen, its scores, and the iteration or how the lane ended before."""
    if still is None:
        return fit_lines(lane.verdict or state_of(lane), most, 3)
    numbers = still[0]
    looks, *scores = describe_scores(numbers) or [""]
    both = "   ".join(scores)
    ended = lane.frames[-1]["iteration"] == numbers["iteration"] and frame_place(numbers, race.by) < moment - NEAR
    return [looks, both if len(both) <= most else "".join(scores[:1]),
            f"{'ended at' if ended else 'iteration'} {numbers['iteration']:,}"]  # fmt: skip


def place_share(race: Raced, moment: float) -> float:
    """Returns where a moment lies on the common axis, in [0, 1]."""
    first = 1.0 if race.by == "iterations" else 0.0
    return (moment - first) / (race.end - first) if race.end > first else 1.0


def draw_charts(race: Raced, size: tuple[int, int], scale: float) -> Iterator[Chart]:
    """Yields the curves of all lanes on common axes: the distance, and what is seen."""
    logs = {name: distance_logs(lane) for name, lane in zip(race.names, race.lanes, strict=True)}
    values = [value for points in logs.values() for _, value in points]
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = f"{race.end:,.0f} iterations" if race.by == "iterations" else f"{race.end:.1f} seconds"
    scaled = [[(x, (y - low) / ((high - low) or 1)) for x, y in line_points(race, points)] for points in logs.values()]
    yield Chart(lane_lines(scaled), size, scale, f"Gradient distance, log, over {span}")
    measure = name_measure([frame for lane in race.lanes for frame in lane.frames])
    scores = [
        [(frame, value) for frame in lane.frames if (value := (frame.get("metrics") or {}).get(measure)) is not None]
        for lane in race.lanes
    ]
    clear = SEEN["recognisable"] if measure == "likeness" else RECOGNISABLE_SSIM
    heading = f"{MEASURES[measure]}, 0 to 1; recognisable above the grey line"
    bounded = [[(x, min(1.0, max(0.0, y))) for x, y in line_points(race, points)] for points in scores]
    yield Chart(lane_lines(bounded), size, scale, heading, clear)


def distance_logs(lane: Recorded) -> list[tuple[JSON, float]]:
    """Returns the frames of a lane with the logarithm of their distance, where it is known."""
    known = [(frame, (frame.get("metrics") or {}).get("distance")) for frame in lane.frames]
    return [(frame, math.log10(value)) for frame, value in known if isinstance(value, (int, float)) and value > 0]


def line_points(race: Raced, rows: list[tuple[JSON, float]]) -> list[ChartPoint]:
    """Returns values of frames as points whose x lies on the common axis; none where one would stand alone."""
    return [(place_share(race, frame_place(f, race.by)), value) for f, value in rows] if len(rows) > 1 else []


def lane_lines(points: list[list[ChartPoint]]) -> list[ChartLine]:
    """Returns the curves of the lanes, each in its colour under its number."""
    return [ChartLine(str(number), LANE_COLOURS[(number - 1) % len(LANE_COLOURS)], line)
            for number, line in enumerate(points, 1)]  # fmt: skip
