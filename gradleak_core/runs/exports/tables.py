"""The numbers of a run as a table, one row an iteration. Imports no torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from gradleak_core.runs.exports.recorded import Columns, Recorded, as_part
from gradleak_core.types import JSON

FIRST = ("psnr", "ssim", "likeness", "seconds")
"""The columns that every table has, beside the losses."""


def curve_csv(recorded: Recorded) -> str:
    """Returns the curve as CSV, one row an iteration. What is not known stays empty.

    The losses have a value in every row. What only a frame has, its scores, its seconds of computing and the distance
    of each layer (`distance.conv1.weight`: one minus the cosine), stands in the rows of the frames.
    """
    columns = add_scores(recorded.columns, recorded.frames)
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["iteration", *columns])
    for iteration in range(1, recorded.length + 1):
        values = (column[iteration - 1] if iteration <= len(column) else None for column in columns.values())
        rows.writerow([iteration, *("" if value is None else value for value in values)])
    return out.getvalue()


def add_scores(columns: Columns, frames: Sequence[JSON]) -> Columns:
    """Returns the columns with those that only frames have values for."""
    length = max(map(len, columns.values()), default=0)
    found: Columns = {name: [None] * length for name in FIRST}
    for frame in frames:
        if not 1 <= frame["iteration"] <= length:
            continue
        for name, value in frame_values(frame).items():
            if name not in columns:
                found.setdefault(name, [None] * length)[frame["iteration"] - 1] = value
    return columns | found


def frame_values(frame: JSON) -> dict[str, float | None]:
    """Returns the numbers of a frame by the names of their columns."""
    layers = {f"distance.{name}": value for name, value in as_part(frame.get("layers")).items()}
    numbers = {"seconds": frame.get("seconds")} | as_part(frame.get("metrics")) | layers
    return {name: value for name, value in numbers.items() if value is None or isinstance(value, (int, float))}
