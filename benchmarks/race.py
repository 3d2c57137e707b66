"""A race in a browser: the first preset and three defences of it, on one clock.

The bar is for a machine with nothing else to do: `load_before` says whether it had, and `seconds` how long each race
took.
Counted are the guesses that each lane draws, which have come by its socket, from the moment when every lane has one to
the end of the race. The gap is how many frames the lanes on show are apart, looked at whenever one of them changes.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.live_frames import rate
from benchmarks.serving import Server, Tab, browsing, serving, short
from benchmarks.setting import SEED, Setting
from gradleak_core.config.links import to_query
from gradleak_core.experiment import CODEC
from gradleak_core.presets import PRESETS

JSON = Any
LANES = ("defence=gaussian_noise:std=0.01", "defence=pruning:share=0.5", "defence=dropout:p=0.25")
LIMIT = 120
WATCH_RACE = (Path(__file__).parent / "watch_race.js").read_text(encoding="utf-8")


def measure(setting: Setting) -> JSON:
    values = []
    with serving(setting) as server, browsing() as tab:
        for seed in range(SEED, SEED + setting.count(5, 1)):
            values.append({"seed": seed} | watch_race(seed, server, tab))
            print(f"  {values[-1]}", flush=True)
        complaints = list(tab.complaints)
    pictures = statistics.median(min(row["pictures"]) for row in values)
    gap = max(row["gap"] for row in values)
    repeated = all(row["repeated"] for row in values)
    frames = f"at most {gap} frame{'s' * (gap != 1)} apart"
    return {
        "measured": f"{pictures:.1f} pictures a second in the slowest lane, {frames}; "
        f"{'repeated' if repeated else 'not repeated'} by the link, {len(complaints)} complaints",
        "met": pictures >= 5 and gap <= 1 and repeated and not complaints,
        "seeds": [row["seed"] for row in values],
        "complaints": complaints,
        "values": values,
    }


def watch_race(seed: int, server: Server, tab: Tab) -> JSON:
    """Returns each lane's pictures a second, the greatest gap, and whether the link gives the same race again."""
    experiment = CODEC.encode(short(replace(PRESETS[0].experiment, seed=seed), 600))
    query = to_query(experiment, server.get("catalogue")) | {"lane": list(LANES)}
    address = f"{server.client.base_url}/?{urlencode(query, doseq=True)}"
    first = tab.press(address, LIMIT, WATCH_RACE)
    again = tab.press(address, LIMIT, WATCH_RACE) if seed == SEED else first
    seen = [row for row in first["seen"] if min(row["drawn"]) > 0]
    ranks = {iteration: rank for rank, iteration in enumerate(sorted({0, *(i for row in seen for i in row["at"])}))}
    lanes = range(len(LANES) + 1)
    changes = [[row["ms"] for row, before in zip(seen[1:], seen, strict=False) if row["drawn"][n] > before["drawn"][n]]
               for n in lanes]  # fmt: skip
    return {
        "pictures": [rate(times) for times in changes],
        "gap": max(max(ranks[i] for i in row["at"]) - min(ranks[i] for i in row["at"]) for row in seen),
        "frames": [len(times) for times in changes],
        "seconds": (seen[-1]["ms"] - seen[0]["ms"]) / 1000,
        "repeated": outcome(first, server) == outcome(again, server),
        "status": first["status"],
    }


def outcome(seen: JSON, server: Server) -> list[JSON]:
    """Returns the scores of each lane of a race that was seen."""
    return [row["result"] and row["result"]["metrics"] for row in server.get(f"races/{seen['race']}")["lanes"]]
