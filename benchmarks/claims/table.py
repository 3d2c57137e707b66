"""docs/claims.md, and assets/claims.json for the dashboard: both made from the claims and their kept results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.claims.claim import Claim
from benchmarks.claims.record import SAID
from benchmarks.table import line, place
from gradleak_core.catalogue import catalogue
from gradleak_core.config import links
from gradleak_core.experiment import CODEC, Experiment

JSON = Any
ROOT = Path(__file__).parents[2]
PAGE, INDEX = ROOT / "docs" / "claims.md", ROOT / "assets" / "claims.json"
SHOWN = ("ours", "verdict", "n", "spread", "floor", "images", "date", "seconds")
HEAD = """# Claims

What the papers say, tried here. Made by `python -m benchmarks.claims --table` from the JSON in
`benchmarks/results/claims/`, which holds every single value; a test checks that it is so. Try one again with
`python -m benchmarks.claims NAME` (`--all` for all, `--quick` for a small run of each). The rule of each verdict is
code in `benchmarks/claims/`. A claim that does not hold here is a result as well.

| | claim | the paper | here | verdict |
|---|---|---|---|---|
"""


def write(claims: Mapping[str, Claim], results: Mapping[str, JSON]) -> None:
    """Both files."""
    rows = index(claims, results)
    PAGE.write_text(page(rows), encoding="utf-8")
    INDEX.write_text(text_of(rows), encoding="utf-8")


def index(claims: Mapping[str, Claim], results: Mapping[str, JSON]) -> list[JSON]:
    """One row a claim, in order; `result` is null for one that has not been tried."""
    return [row(name, claim, results.get(name)) for name, claim in claims.items()]


def row(name: str, claim: Claim, result: JSON | None) -> JSON:
    said = {key: getattr(claim, key) for key in (*SAID, "account")}
    cited = {"paper": claim.paper.name, "bibtex": claim.paper.bibtex}
    live = {"cpu": query(claim.live), "cuda": query(claim.live_gpu or claim.live)}
    found = None if result is None else {key: result[key] for key in SHOWN} | {"place": place(result)}
    drawn = None if result is None or claim.figure is None else claim.figure.json(result["values"])
    return {"name": name, **cited, **said, "live": live, "halves": list(claim.halves), "figure": drawn, "result": found}


def query(experiment: Experiment | None) -> JSON:
    """The set-up as it stands in the address bar of the Lab."""
    return None if experiment is None else links.to_query(CODEC.encode(experiment), catalogue())


def text_of(rows: list[JSON]) -> str:
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def page(rows: list[JSON]) -> str:
    """The whole of docs/claims.md."""
    return HEAD + "\n".join(cells(row) for row in rows) + "\n\n" + "\n".join(section(row) for row in rows)


def cells(row: JSON) -> str:
    result = row["result"] or {"ours": "not tried yet", "verdict": "–"}
    name, verdict = f"[`{row['name']}`](#{row['name']})", result["verdict"]
    return line((name, row["sentence"], row["theirs"], result["ours"], f"**{verdict}**" if verdict != "–" else "–"))


def spreads(row: JSON) -> list[str]:
    """The values of a claim in numbers, row by row, and what would be found if nothing leaked."""
    result, floor = row["result"], row["result"]["floor"]
    said = floor if isinstance(floor, str) else f"The {floor['name']} has {floor['value']:.3g}." if floor else ""
    facts = [f"**Floor.** {said}"] if said else []
    if result["spread"]:
        share = row["figure"]["share"]
        kind = ("95 % from", "share", "95 % to") if share else ("lower quartile", "median", "upper quartile")
        rows = [line((row["figure"]["title"], "n", *kind)), "|---|---|---|---|---|"]
        for one in result["spread"]:
            rows.append(line((one["name"], str(one["n"]), *(f"{one[key]:.3g}" for key in ("low", "middle", "high")))))
        facts.append("\n".join(rows))
    return facts


def section(row: JSON) -> str:
    """One claim in full."""
    facts = [f"**Paper.** {row['paper']}", f"**Tried.** {row['setup']}", f"**Refuted by.** {row['refuted_by']}"]
    if result := row["result"]:
        where = f"{result['place']}, {result['date']}, {result['seconds']:.0f} s"
        facts += [f"**Here.** {result['ours']}: {result['verdict']}. Images: {result['images']}. Measured on {where}."]
        facts += spreads(row)
    facts += [f"**Why.** {row['account']}"] if row["account"] else []
    return f"## {row['name']}\n\n" + "\n\n".join([*facts, f"```bibtex\n{row['bibtex']}\n```"]) + "\n"
