"""docs/benchmarks.md, made from the committed results."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JSON = Any
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Made by `python -m benchmarks --table` from the JSON in `benchmarks/results/`, which holds every single value;
a test checks that it is so. Measure again with `python -m benchmarks NAME` (`--all` for all, `--quick` to try).
Seeds start at 7000; none of these was used to choose a default.

| | what | bar | measured | met | on | date |
|---|---|---|---|---|---|---|
"""


def page(benchmarks: Mapping[str, Any], results: list[JSON]) -> str:
    """The whole page; a benchmark without a result says so."""
    rows = []
    for name, benchmark in benchmarks.items():
        mine = [result for result in results if result["name"] == name]
        rows += [row(name, benchmark, result) for result in mine] or [unmeasured(name, benchmark)]
    return HEAD + "\n".join(rows) + "\n" + methods(benchmarks)


def row(name: str, benchmark: Any, result: JSON) -> str:
    met = "yes" if result["met"] else "**no**"
    cells = (f"`{name}`", benchmark.what, benchmark.bar, result["measured"], met, place(result), result["date"])
    return line(cells)


def unmeasured(name: str, benchmark: Any) -> str:
    return line((f"`{name}`", benchmark.what, benchmark.bar, benchmark.without, "–", "–", "–"))


def line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def place(result: JSON) -> str:
    """Returns the device in words, or the devices with the number of runs on each."""
    machine, device, rows = result["machine"], result["device"], result.get("rows", {})
    processor = f"{machine['processor']}, {machine['cores']} cores"
    if len(rows) > 1:
        return " and ".join(f"{count} runs on {processor if name == 'cpu' else name}" for name, count in rows.items())
    return f"{device['name']}" if device["kind"] == "cuda" else processor


def methods(benchmarks: Mapping[str, Any]) -> str:
    """How each is measured: the text at the top of its module, once."""
    named: dict[str, list[str]] = {}
    for name, benchmark in benchmarks.items():
        module = inspect.getmodule(getattr(benchmark.measure, "func", benchmark.measure))
        named.setdefault(inspect.getdoc(module) or "", []).append(f"`{name}`")
    return "\n## How\n\n" + "\n\n".join(f"**{', '.join(names)}** {text}" for text, names in named.items()) + "\n"
