"""`catalogue`: lists everything there is, with every knob, its range and its default."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from gradleak_core.catalogue import catalogue
from gradleak_core.config.knobs import OBJECTS
from gradleak_core.types import Refused

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


def print_catalogue_parts(parts: Sequence[str], as_json: bool, out: Console) -> int:
    """Prints these parts of the catalogue, or all of it, and returns the exit code.

    Raises `Refused` for a part that does not exist, and for parts as JSON.
    """
    known = catalogue()
    if as_json and parts:
        raise Refused("--json writes the whole catalogue; leave out the parts, or --json.")
    if as_json:
        out.print_json(json.dumps(known))
        return 0
    tables = {}
    for family, option in FAMILIES.items():
        rows = known["families"][family].items()
        kinds = [(name, row["summary"], "\n".join(map(knob_text, row["knobs"]))) for name, row in rows]
        tables[family] = list_rows(f"{family}  ({option})", kinds, "name", "what it is", "knobs")
    for name in ("experiment", *OBJECTS):
        tables[name] = list_rows(name, [(row["name"], knob_text(row), row["help"]) for row in known[name]["knobs"]])
    tables["metrics"] = list_rows(
        "metrics", [(name, row["unit"], row["doc"]) for name, row in known["metrics"].items()]
    )
    samples = [(name, row["title"], row["sentence"]) for name, row in known["samples"].items()]
    tables["samples"] = list_rows("samples", samples)
    tables["presets"] = list_rows("presets", [(row["name"], row["title"], row["promise"]) for row in known["presets"]])
    if unknown := [part for part in parts if part not in tables]:
        raise Refused(f"The catalogue has no part {unknown[0]}; choose from {', '.join(tables)}.")
    for part in parts or tables:
        out.print(tables[part])
    return 0


def list_rows(title: str, lines: list[tuple[str, str, str]], *heads: str) -> Table:
    rows = Table(*heads, title=title, title_justify="left", show_header=bool(heads), expand=True)
    for line in lines:
        rows.add_row(*line)
    return rows


def knob_text(row: Any) -> str:
    """Returns a knob as text, such as `steps=3000 (1 to 100000)`. The choices of a part have a table of their own."""
    default = row.get("default")
    shown = default.get("kind") if isinstance(default, dict) else default
    if isinstance(shown, list):
        shown = ", ".join(item["kind"] if isinstance(item, dict) else str(item) for item in shown) or "none"
    bounds = f" ({row['low']:.10g} to {row['high']:.10g})" if "low" in row and "high" in row else ""
    choices = f" ({' | '.join(map(str, row['choices']))})" if row["type"] == "choice" else ""
    return f"{row['name']}={shown}{bounds}{choices}"
