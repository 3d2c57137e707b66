"""A talk as a film and as stills: a card for each chapter, then its recorded run or race. Imports no torch."""

from __future__ import annotations

from typing import Any, NamedTuple

from PIL import Image

from gradleak_core.runs.exports.drawing import ACCENT, HEIGHT, INK, MARGIN, PAPER, SOFT, WIDTH, Drawing, Film, wrap_text
from gradleak_core.runs.exports.race_film import RaceFilm
from gradleak_core.runs.exports.raced import Raced
from gradleak_core.runs.exports.recorded import Recorded, choose_evenly
from gradleak_core.types import JSON

CARD, REST_ON_WORDS, REST_ON_RUN = 15, 40, 30
"""The frames, ten a second, that a card stands before its run, that words stand, and that the end of a run stands."""
MOST_OF_A_CHAPTER = 60
"""The most moments of one chapter."""
TITLE_SIZE, LINE_SIZE, SMALL_SIZE = 96, 60, 34
ADVANCE = 0.52
"""The width of a letter as a share of its size, as it mostly is."""
FIGURE_LINE = "This chapter shows the moving figure of GradLeak's page How it works."


class TalkMoment(NamedTuple):
    """A moment of a talk: the place of its chapter, and the moment of the chapter's film; None for its card."""

    place: int
    inner: Any


class TalkFilm(Film):
    """A film of all chapters of a talk, whose chapters have what `recorded` of them is known."""

    def __init__(self, talk: JSON, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.talk, self.chapters = talk, talk["chapters"]
        self._opened: tuple[int, Film | None] = (-1, None)
        self._drawn: tuple[Any, Image.Image | None] = (None, None)
        places = range(len(self.chapters))
        self.moments: list[TalkMoment] = [moment for place in places for moment in self.moments_of(place)]

    def moments_of(self, place: int) -> list[TalkMoment]:
        """Returns the moments of a chapter, each as often as it is shown."""
        film = self.open(place)
        card = TalkMoment(place, None)
        if film is None or not film.moments:
            return [card] * REST_ON_WORDS
        shown = [TalkMoment(place, inner) for inner in choose_evenly(film.moments, MOST_OF_A_CHAPTER)]
        return [card] * CARD + shown + [shown[-1]] * REST_ON_RUN

    def open(self, place: int) -> Film | None:
        """Returns the film of a chapter's recording; None for a chapter without one. The newest is kept."""
        if self._opened[0] != place:
            chapter = self.chapters[place]
            self._opened = (place, film_of(chapter["recorded"], chapter["title"], self.scale))
        return self._opened[1]

    def frame(self, moment: TalkMoment) -> Image.Image:
        """Returns the picture of a moment, which is drawn once however long it stands."""
        if self._drawn[0] is not moment:
            film = self.open(moment.place)
            shows_run = film is not None and moment.inner is not None
            self._drawn = (moment, film.frame(moment.inner) if film and shows_run else self.card(moment.place))
        image = self._drawn[1]
        assert image is not None
        return image

    def card(self, place: int) -> Image.Image:
        """Returns the card of a chapter: its title, its lines, and where in the talk it stands."""
        image, chapter = Image.new("RGB", self.size, PAPER), self.chapters[place]
        lines = chapter["lines"] if chapter["show"] == "words" else []
        lines = lines or ([FIGURE_LINE] if chapter["show"] == "figure" else [])
        rows = [(text, TITLE_SIZE, INK) for text in fold(chapter["title"], TITLE_SIZE)]
        rows += [(text, LINE_SIZE, SOFT) for line in lines for text in fold(line, LINE_SIZE)]
        y = max(MARGIN, (HEIGHT - sum(round(1.4 * size) for _, size, _ in rows)) / 2)
        for text, size, colour in rows:
            self.write(image, (MARGIN, y), text, size, colour)
            y += round(1.4 * size)
        self.write(image, (MARGIN, HEIGHT - 80), self.talk["title"], SMALL_SIZE, ACCENT)
        self.write(image, (WIDTH - MARGIN - 160, HEIGHT - 80), f"{place + 1} of {len(self.chapters)}", SMALL_SIZE, SOFT)
        return image

    def still(self, place: int) -> Image.Image:
        """Returns the last picture of a chapter."""
        return self.frame(self.moments_of(place)[-1])


def fold(text: str, size: int) -> list[str]:
    """Returns a text in lines that fit the width at a size."""
    return list(wrap_text(text, int((WIDTH - 2 * MARGIN) / (ADVANCE * size))))


def film_of(recording: JSON, title: str, scale: float) -> Film | None:
    """Returns the film of a recorded run or race under a title; None without a recording."""
    if recording is None:
        return None
    if "lanes" in recording:
        return RaceFilm(
            Raced(recording | {"title": title, "lanes": [widen(lane) for lane in recording["lanes"]]}), scale
        )
    return Drawing(Recorded(widen(recording) | {"title": title}), scale)


def widen(recording: JSON) -> JSON:
    """Returns a recording whose curves have a place for every iteration, empty where none is known."""
    curve = recording["curve"]
    iterations = curve.get("iterations")
    if not iterations:
        return recording
    columns = {}
    for name, values in curve["columns"].items():
        whole: list[float | None] = [None] * iterations[-1]
        for iteration, value in zip(iterations, values, strict=False):
            whole[iteration - 1] = value
        columns[name] = whole
    return recording | {"curve": {"first": 1, "columns": columns}}
