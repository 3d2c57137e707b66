"""A race in a browser: the first preset and three defences of it, on one clock.

Counted are the guesses that each lane draws, from the moment when every lane has one to the end of the race. The gap is
how many frames the lanes on show are apart, looked at whenever one of them changes.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
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
WATCH_RACE = """(limit) => {
  const view = document.querySelector(".gl-race");
  const seen = [];
  window.raced = new Promise((resolve) => {
    const race = () => new URL(location.href).searchParams.get("race");
    const finish = () => resolve({ seen, status: view.dataset.status, race: race() });
    new MutationObserver(() => {
      const lanes = [...view.querySelectorAll(".gl-lane")];
      const at = lanes.map(({ dataset }) => Number(dataset.iteration ?? 0));
      const drawn = lanes.map(({ dataset }) => Number(dataset.pictures ?? 0));
      if (JSON.stringify(at) !== JSON.stringify(seen.at(-1)?.at)) seen.push({ ms: performance.now(), at, drawn });
      if (["done", "failed", "stopped"].includes(view.dataset.status)) setTimeout(finish, 500);
    }).observe(view, { subtree: true, attributeFilter: ["data-status", "data-iteration", "data-pictures"] });
    setTimeout(finish, limit * 1000);
  });
}"""


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
    first = press(address, tab)
    again = press(address, tab) if seed == SEED else first
    seen = [row for row in first["seen"] if min(row["drawn"]) > 0]
    ranks = {iteration: rank for rank, iteration in enumerate(sorted({0, *(i for row in seen for i in row["at"])}))}
    lanes = range(len(LANES) + 1)
    changes = [[row["ms"] for row, before in zip(seen[1:], seen, strict=False) if row["drawn"][n] > before["drawn"][n]]
               for n in lanes]  # fmt: skip
    return {
        "pictures": [rate(times) for times in changes],
        "gap": max(max(ranks[i] for i in row["at"]) - min(ranks[i] for i in row["at"]) for row in seen),
        "frames": [len(times) for times in changes],
        "repeated": outcome(first, server) == outcome(again, server),
        "status": first["status"],
    }


def press(address: str, tab: Tab) -> JSON:
    """Opens a race, presses Run, and returns what was seen of it."""
    tab.page.goto(address)
    tab.page.locator(".gl-race [data-gl=run]:enabled").wait_for()
    tab.page.locator(".gl-race [data-gl=quality] .gl-svg").wait_for()
    tab.page.evaluate(WATCH_RACE, LIMIT)
    tab.page.locator(".gl-race [data-gl=run]").click()
    return tab.page.evaluate("window.raced")


def outcome(seen: JSON, server: Server) -> list[JSON]:
    """Returns the scores of each lane of a race that was seen."""
    return [row["result"] and row["result"]["metrics"] for row in server.get(f"races/{seen['race']}")["lanes"]]
