"""The benchmarks' own promises: the committed page is the committed results, and the scripts measure what they say."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from benchmarks import BENCHMARKS, against, trade_off
from benchmarks.bare import play
from benchmarks.presets import batch
from benchmarks.record import complete, results, write
from benchmarks.setting import SEED, Setting
from benchmarks.table import PAGE, page
from gradleak_core.data.samples import FOLDER, SAMPLES
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, Experiment, load

COMMITTED = results()


def test_the_page_is_made_from_the_committed_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(BENCHMARKS, COMMITTED), "run: python -m benchmarks --table"


def test_committed_results_are_long_runs_against_the_bars_of_today() -> None:
    for result in COMMITTED:
        benchmark = BENCHMARKS[result["name"]]
        assert (result["what"], result["bar"]) == (benchmark.what, benchmark.bar), result["name"]
        assert result["values"], result["name"]
        assert not result["quick"], result["name"]
        assert not re.search(r'"(/|[A-Z]:\\)', json.dumps(result)), "a path of somebody's machine"


def test_a_result_is_written_and_shown_with_its_verdict(tmp_path: Path) -> None:
    result = complete("idlg_labels", BENCHMARKS["idlg_labels"], Setting(quick=True))
    assert result["met"]
    assert [row["seed"] for row in result["values"]] == list(range(SEED, SEED + 50))
    write(result, tmp_path)
    write(result | {"name": "dlg", "measured": "10% reach 25 dB", "met": False}, tmp_path)
    shown = page(BENCHMARKS, results(tmp_path)).splitlines()
    assert any("`idlg_labels`" in line and "| 50 of 50 | yes |" in line for line in shown)
    assert any("`dlg`" in line and "| 10% reach 25 dB | **no** |" in line for line in shown)
    assert any("`watching`" in line and "not measured yet" in line for line in shown)


def test_random_pairs_differ_from_each_other_and_come_again() -> None:
    pairs = list(Setting().experiments(Experiment(), 6))
    assert pairs == list(Setting().experiments(Experiment(), 6))
    assert len({experiment.seed for _, experiment in pairs}) == 6
    assert len({experiment.images for _, experiment in pairs}) == 6


def test_a_folder_of_images_by_class_gives_the_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADLEAK_DATASETS", "")
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        (tmp_path / "pets" / label / "0.png").write_bytes((FOLDER / SAMPLES["chelsea"].file).read_bytes())
    pairs = list(Setting(data=tmp_path / "pets").experiments(Experiment(), 8))
    assert {(name, experiment.labels) for name, experiment in pairs} == {
        ("folder:pets/cat/0.png", (0,)),
        ("folder:pets/dog/0.png", (1,)),
    }


def test_a_run_is_cut_at_its_limit_and_the_pick_of_then_is_scored() -> None:
    result = play(Experiment(), "cpu", limit=0)
    assert result["status"] == "stopped"
    assert result["iterations"] == 1
    assert result["metrics"]["likeness"] == result["highest_likeness"] < 0.35


def test_batches_hold_different_labels() -> None:
    for first in range(len(SAMPLES)):
        labels = [SAMPLES[reference.removeprefix("sample:")].label for reference in batch(first, 4)]
        assert len(set(labels)) == 4


def test_the_recorded_trade_offs_are_of_every_defence_and_of_the_set_up_of_today() -> None:
    kept = json.loads(trade_off.FILE.read_text(encoding="utf-8"))
    assert list(kept["curves"]) == list(DEFENCES)
    today = trade_off.describe()
    kept["experiment"] = CODEC.encode(load(kept["experiment"]))  # with the fields that have come since
    assert all(kept[name] == value for name, value in today.items() if name != "truth")
    assert trade_off.FILE.stat().st_size < 400_000
    for kind, curve in kept["curves"].items():
        knob, values = trade_off.STRENGTHS[kind]
        assert (curve["knob"], [point["value"] for point in curve["points"]]) == (knob, list(values) or [None])
        assert not re.search(r'"/', json.dumps(curve)), "a path of somebody's machine"


@pytest.mark.sweep
@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals that freeze a process")
def test_two_checkouts_play_the_same_iterations_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(against.SETTINGS, "batch", (60, 1))
    found = against.compare(against.ROOT, "batch", rounds=2)
    assert len(found) == 2
    assert all(ratio > 0 for ratio in found)
