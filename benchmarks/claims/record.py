"""A claim's result as it is committed: the claim as it was, the numbers, and where and when they were measured."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.claims.claim import Claim
from benchmarks.setting import Setting
from gradleak_core.catalogue import versions

JSON = Any
RESULTS = record.RESULTS / "claims"
SAID = ("title", "sentence", "setup", "theirs", "refuted_by")


def tried(name: str, claim: Claim, setting: Setting) -> JSON:
    """Measures, and adds what is needed to judge it. Raises `Refused` when the claim cannot be tried here."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    begun = time.perf_counter()
    outcome = claim.measure(setting)
    return {
        "name": name,
        "paper": claim.paper.name,
        **said(claim),
        "ours": outcome.ours,
        "verdict": outcome.verdict,
        "quick": setting.quick,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "seconds": round(time.perf_counter() - begun, 1),
        "machine": record.machine(),
        "load_before": load,
        "device": record.device(setting.device),
        "rows": dict(Counter(row["device"] for row in outcome.values if "device" in row)),
        "versions": versions(),
        "images": outcome.images,
        "seeds": sorted({row["seed"] for row in outcome.values if "seed" in row}),
        **summed(claim, outcome.values),
        "values": outcome.values,
    }


def summed(claim: Claim, values: list[JSON]) -> JSON:
    """What a result says of its values: the fewest of a row, the spread of each, and what would be found of nothing."""
    figure = claim.figure
    spread = figure.summary(values) if figure else []
    floor = claim.floor or (figure.json(values)["floor"] if figure else None)
    return {"n": min((row["n"] for row in spread), default=len(values)), "spread": spread, "floor": floor}


def said(claim: Claim) -> dict[str, str]:
    """What a result keeps of its claim, so that one that was worded anew is noticed."""
    return {key: getattr(claim, key) for key in SAID}


def write(result: JSON, folder: Path = RESULTS) -> Path:
    """`<name>.json`; raises `ValueError` for a quick result among the kept ones."""
    if result["quick"] and folder.resolve() == RESULTS.resolve():
        raise ValueError("A quick result is not kept.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['name']}.json"
    path.write_text(record.text(result), encoding="utf-8")
    return path


def results(folder: Path = RESULTS) -> dict[str, JSON]:
    """Every kept result, by the name of its claim."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return {result["name"]: result for result in read}
