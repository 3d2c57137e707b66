"""Curves with fewer points: what stands out stays, whichever way they are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gradleak_core.runs.curves import choose_telling
from gradleak_core.runs.exports.drawing import distance_points
from gradleak_core.runs.exports.kinds import write_export
from gradleak_core.runs.exports.recorded import Recorded
from gradleak_core.runs.hub import MOST_POINTS, Trace
from gradleak_core.runs.protocol import unpack_live
from tests.runs.toy_engine import experiment

SPIKE, DIP = 3001, 7003
"""Iterations of a long curve at which something happens for a moment."""


def long_curve() -> list[float | None]:
    """Returns a curve of 9,999 iterations, in which nothing but a spike and a dip happens."""
    return [{SPIKE: 100.0, DIP: 0.01}.get(iteration, 1.0) for iteration in range(1, 10_000)]


def test_a_late_viewer_gets_the_spikes_and_the_dips_of_a_long_run() -> None:
    trace = Trace({"id": "a", "status": "done", "experiment": experiment(), "result": None, "message": None})
    trace.columns = {"distance": long_curve(), "prior": [0.5] * 9999}
    curve = unpack_live(trace.since(10, thin=True))[0]["curve"]
    found = dict(zip(curve["iterations"], curve["columns"]["distance"], strict=True))
    assert (found[SPIKE], found[DIP]) == (100, 0.01)
    assert (curve["iterations"][0], curve["iterations"][-1]) == (11, 9999)
    assert len(found) == len(curve["columns"]["prior"]) <= MOST_POINTS


def test_the_files_of_a_long_run_keep_its_spikes_and_its_dips() -> None:
    value: Any = {"curve": {"columns": {"distance": long_curve()}}}
    page = write_export("html", value).decode()
    curve = json.loads(page.split('id="recording">')[1].split("</script>")[0])["lanes"][0]["curve"]
    assert {SPIKE, DIP} <= set(curve["iterations"])
    assert {0.0, 1.0} <= {height for _, height in distance_points(Recorded(value))}


@pytest.mark.parametrize("most", [20, 100, 999])
def test_of_each_stretch_every_curve_keeps_its_lowest_and_its_highest(most: int) -> None:
    waves = {"one": [float(at * at % 97) for at in range(1000)], "late": [None] * 800 + [1.0] * 150}
    kept = choose_telling(waves, 0, most)
    assert kept == sorted(set(kept))
    assert {0, 999} < set(kept)
    assert len(kept) <= most
    assert {waves["one"][at] for at in kept} >= {0.0, max(filter(None, waves["one"]))}


def test_a_short_curve_stays_whole() -> None:
    assert choose_telling({"distance": [1.0] * 10}, 4, 6) == [4, 5, 6, 7, 8, 9]
    assert choose_telling({}, 0, 6) == []
