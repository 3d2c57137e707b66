"""`tune`: measures how many CPU threads suit each network, and keeps it for the runs to come."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from gradleak_core.cli.check import check_folder
from gradleak_core.models import MODELS
from gradleak_core.runs.tuning import choose_fewest, time_threads
from gradleak_core.speed.threads import choices_file, keep_choices

BATCHES = (1, 2, 4, 8, 16)


def tune(seconds: float, data: Path | None, out: Console) -> int:
    """Measures each network for so many seconds a batch, keeps the best numbers and returns the exit code.

    Raises `Refused`, before it measures, when nothing can be kept.
    """
    if data is not None:
        os.environ["GRADLEAK_DATA"] = str(data)
    check_folder()
    out.print("Milliseconds of an iteration; let nothing else run meanwhile.")
    for model in MODELS.values():
        for images in BATCHES:
            found = time_threads(model(), images, seconds)
            best = choose_fewest(found)
            times = ", ".join(f"{count} thread{'s' * (count > 1)} {value:.1f} ms" for count, value in found.items())
            out.print(f"{model.title}, {images} image{'s' * (images > 1)}: {times}; chosen: {best}", highlight=False)
            keep_choices({model.title: {images: best}})
    out.print(
        f"Kept in {choices_file()} for runs of one restart. The Lab measures what is missing by itself.", soft_wrap=True
    )
    return 0
