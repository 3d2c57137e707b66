"""The picture sheet of a race: a row for each lane, a column for each moment, and the curves on common axes."""

from __future__ import annotations

from PIL import Image

from gradleak_core.config.schemas import fit_text
from gradleak_core.data.uploads import encode_png
from gradleak_core.runs.exports.drawing import HEIGHT, INK, MARGIN, PAPER, SOFT, WIDTH, Film, wrap_text
from gradleak_core.runs.exports.race_film import CHART_HIGH, FOOT, LANE_COLOURS, draw_charts, fit_lines, fit_verdict
from gradleak_core.runs.exports.raced import NEAR, Raced, crossing_of, frame_place
from gradleak_core.runs.exports.recorded import choose_by_change, describe_scores, rank_frame

FEWEST_COLUMNS, MOST_COLUMNS = 4, 8
"""The bounds of the number of moments on a sheet."""
FIRST_ROW, BETWEEN = 176, 34
"""The pixels above the pictures, and between two rows of them."""
NAMES, PRIVATE_WIDTH, APART = 310, 170, 30
"""The pixels of the names' column, the least of the private picture's, and between two columns."""
LEAST, MOST = 110, 230
"""The bounds of a picture's side in pixels; with many lanes the sheet grows in height."""


def draw_race_sheet(race: Raced) -> bytes:
    """Returns a PNG 1920 pixels wide with the guesses of all lanes at common moments, from left to right."""
    film = Film(1.0)
    lanes = len(race.lanes)
    room = HEIGHT - FIRST_ROW - CHART_HIGH - FOOT
    side = int(min(MOST, max(LEAST, room / lanes - BETWEEN)))
    below = max(HEIGHT - CHART_HIGH - FOOT, FIRST_ROW + lanes * (side + BETWEEN))
    sheet = Image.new("RGB", (WIDTH, below + CHART_HIGH + FOOT), PAPER)
    film.write(sheet, (MARGIN, 26), fit_text(race.title, 88), 44)
    film.write(sheet, (MARGIN, 86), fit_text(str(race.value.get("shared") or ""), 140), 26, SOFT)
    left = MARGIN + NAMES + max(PRIVATE_WIDTH, side + APART)
    columns = min(MOST_COLUMNS, max(FEWEST_COLUMNS, (WIDTH - MARGIN - left + APART) // (side + APART)))
    step = (WIDTH - MARGIN - left + APART) // columns
    moments = choose_moments(race, columns)
    film.write(sheet, (MARGIN + NAMES, FIRST_ROW - 34), "Private picture", 22)
    for column, moment in enumerate(moments):
        film.write(sheet, (left + column * step, FIRST_ROW - 34), race.clock(moment), 22)
    for row in range(lanes):
        draw_row(film, sheet, race, row, moments, (left, FIRST_ROW + row * (side + BETWEEN)), (side, step))
    wide = (WIDTH - 2 * MARGIN - 26) // 2
    for number, chart in enumerate(draw_charts(race, (wide, CHART_HIGH), 1.0)):
        film.paste(sheet, chart.full, (MARGIN + number * (wide + 26), below))
    film.write(sheet, (MARGIN, below + CHART_HIGH + 16), *fit_verdict(race))
    return encode_png(sheet)


def draw_row(
    film: Film, sheet: Image.Image, race: Raced, row: int, moments: list[float], at: tuple[float, float],
    measures: tuple[int, int],
) -> None:  # fmt: skip
    """Draws a lane: its name, and at each moment its guess and what is seen of it."""
    (left, top), (side, step), lane = at, measures, race.lanes[row]
    for index, line in enumerate(fit_lines(race.names[row], 26, 3)):
        film.write(sheet, (MARGIN, top + 4 + 30 * index), line, 24, LANE_COLOURS[row % len(LANE_COLOURS)])
    if lane.truth is not None and (row == 0 or race.truth is None):
        film.paste(sheet, film.panel(lane.truth, lane.batch, side), (MARGIN + NAMES, top))
    for column, moment in enumerate(moments):
        still = race.look(lane, moment)
        if still is None:
            for index, line in enumerate(list(wrap_text(lane.verdict, 80))[:3]):
                film.write(sheet, (left, top + 30 * index), line, 22, SOFT)
            return
        film.paste(sheet, film.panel(still[1], lane.batch, side), (left + column * step, top))
        scores = describe_scores(still[0])[:2]
        words = ", ".join(scores) if step > 230 else "".join(scores[:1])
        film.write(sheet, (left + column * step, top + side + 3), words, 18, INK)


def choose_moments(race: Raced, most: int) -> list[float]:
    """Returns the moments of a sheet: chosen by what changes, and the one when the first lane was recognisable."""
    looks = [[race.look(lane, moment) for lane in race.lanes] for moment in race.moments]
    scores = [[rank_frame(still[0])[0] for still in stills if still] for stills in looks]
    rows = [
        {"iteration": moment, "metrics": {"likeness": sum(found) / len(found)}}
        for moment, found in zip(race.moments, scores, strict=True)
    ]
    chosen = [row["iteration"] for row in choose_by_change(rows, most)]
    crossed = [frame_place(found[1], race.by) for lane in race.lanes if (found := crossing_of(lane.frames))]
    near = [moment for moment in race.moments if crossed and moment >= min(crossed) - NEAR][:1]
    if near and near[0] not in chosen and len(chosen) > 2:
        nearest = min(chosen[1:-1], key=lambda moment: abs(race.moments.index(moment) - race.moments.index(near[0])))
        chosen[chosen.index(nearest)] = near[0]
    return sorted(chosen)
