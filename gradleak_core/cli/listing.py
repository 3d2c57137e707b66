"""`catalogue`: everything there is, with every knob, its range and its default."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from gradleak_core.catalogue import catalogue
from gradleak_core.knobs import OBJECTS

FAMILIES = {
    "attacks": "--attack",
    "models": "--model",
    "defences": "--defence",
    "distances": "--set attack.distance=",
    "labels": "--set attack.labels=",
    "priors": "--set attack.priors.",
    "optimisers": "--set attack.optimiser=",
    "unknowns": "--set attack.unknowns.",
    "stances": "--set attack.stance=",
    "matched": "--set attack.matched=",
    "inits": "--set model.init=",
    "weights": "--set weights=",
}


def listing(as_json: bool, out: Console) -> int:
    known = catalogue()
    if as_json:
        out.print_json(json.dumps(known))
        return 0
    for family, option in FAMILIES.items():
        rows = Table("name", "what it is", "knobs", title=f"{family}  ({option})", title_justify="left", expand=True)
        for name, entry in known["families"][family].items():
            rows.add_row(name, entry["summary"], "\n".join(knob(row) for row in entry["knobs"]))
        out.print(rows)
    out.print(plain("experiment", [(row["name"], knob(row), row["help"]) for row in known["experiment"]["knobs"]]))
    for name in OBJECTS:
        out.print(plain(name, [(row["name"], knob(row), row["help"]) for row in known[name]["knobs"]]))
    out.print(plain("metrics", [(name, row["unit"], row["doc"]) for name, row in known["metrics"].items()]))
    out.print(plain("samples", [(name, row["title"], row["sentence"]) for name, row in known["samples"].items()]))
    out.print(plain("presets", [(row["name"], row["title"], row["promise"]) for row in known["presets"]]))
    return 0


def plain(title: str, lines: list[tuple[str, str, str]]) -> Table:
    rows = Table(title=title, title_justify="left", show_header=False, expand=True)
    for line in lines:
        rows.add_row(*line)
    return rows


def knob(row: Any) -> str:
    """`steps=3000 (1 to 100000)`."""
    default = row.get("default")
    shown = default.get("kind") if isinstance(default, dict) else default
    if isinstance(shown, list):
        shown = ", ".join(item["kind"] if isinstance(item, dict) else str(item) for item in shown) or "none"
    bounds = f" ({row['low']:.10g} to {row['high']:.10g})" if "low" in row and "high" in row else ""
    choices = f" ({' | '.join(map(str, row['choices']))})" if "choices" in row else ""
    return f"{row['name']}={shown}{bounds}{choices}"
