"""docs/performance.md, made from the committed results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.speed import SPEED
from benchmarks.speed.side_by_side import end_to_end, scaling, side_by_side
from benchmarks.table import methods, row, unmeasured

JSON = Any
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
HEAD = """# Performance

Made by `python -m benchmarks.speed --table` from the JSON in `benchmarks/results/speed/`, which holds every single
value; a test checks that it is so. Measure again with `python -m benchmarks.speed` (a name for one of them, `--quick`
to try). `graph` and `card` are for a GPU; all else was measured on a CPU.

| | what | bar | measured | met | on | date |
|---|---|---|---|---|---|---|
"""
TRIED = (Path(__file__).parent / "tried.md").read_text(encoding="utf-8")


def page(results: list[JSON], others: list[JSON]) -> str:
    """The whole page, of these measurements and those of `python -m benchmarks`; one without a result says so."""
    kept = {result["name"]: result for result in results}
    rows = [row(name, one, kept[name]) if name in kept else unmeasured(name, one) for name, one in SPEED.items()]
    last = scaling(kept["scaling"]) + end_to_end({result["name"]: result for result in others}) + side_by_side(kept)
    return HEAD + "\n".join(rows) + "\n" + methods(SPEED) + "\n" + TRIED + last
