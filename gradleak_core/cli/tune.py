"""Measures how many CPU threads suit each network, and keeps it for the runs to come."""

from __future__ import annotations

from rich.console import Console

from gradleak_core.models import MODELS
from gradleak_core.threads import file, keep
from gradleak_core.tuning import fewest, tried

BATCHES = (1, 8)


def tune(seconds: float, out: Console) -> int:
    choices: dict[str, dict[int, int]] = {}
    for model in MODELS.values():
        mine = choices[model.title] = {}
        for images in BATCHES:
            found = tried(model(), images, seconds)
            mine[images] = fewest(found)
            times = ", ".join(f"{count}: {value:.1f} ms" for count, value in found.items())
            out.print(f"{model.title}, {images} image{'s' * (images > 1)}: {mine[images]} (threads {times})")
    keep(choices)
    out.print(f"Kept in {file()}, for runs of one seed; delete it to go back to the rule.", soft_wrap=True)
    return 0
