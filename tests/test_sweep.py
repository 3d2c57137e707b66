"""A sweep: what its file may say, what it writes, and that it goes on where it broke off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.__main__ import main
from gradleak_core.catalogue import catalogue
from gradleak_core.cli.sweep import useful_workers
from gradleak_core.cli.sweep_file import describe_changes, read_plan
from gradleak_core.types import Refused
from tests.runs.serving import until

ROOT = Path(__file__).parents[1]
QUICK = {"size": 8, "attack.steps": 3, "model": "mlp"}
KNOWN = catalogue()


def written(folder: Path, value: Any) -> Path:
    file = folder / "noise.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return file


def points(folder: Path, **value: Any) -> list[tuple[str, Any]]:
    plan = read_plan(written(folder, value), KNOWN)
    return [(describe_changes(changes), experiment) for changes, experiment in plan.points]


def test_a_grid_is_every_pair_and_every_seed(tmp_path: Path) -> None:
    grid = {"attack": ["dlg", "idlg"], "defence": ["none", "gaussian_noise:std=0.01", ["sign", "clipping"]]}
    found = points(tmp_path, set=QUICK, grid=grid, repeats=2)
    assert len(found) == 12
    assert found[0][0] == "attack=dlg, defence=none, seed=0"
    assert found[5][0] == 'attack=dlg, defence=["sign", "clipping"], seed=1'
    assert [part["kind"] for part in found[5][1]["defences"]] == ["sign", "clipping"]
    assert found[2][1]["defences"] == [{"kind": "gaussian_noise", "std": 0.01}]
    assert {experiment["attack"]["steps"] for _, experiment in found} == {3}
    assert {experiment["threads"] for _, experiment in found} == {1}


def test_an_attack_goes_before_its_knobs_wherever_it_stands(tmp_path: Path) -> None:
    grid = {"attack.optimiser.lr": [0.1, 0.2], "attack": ["inverting_gradients"]}
    rates = [experiment["attack"]["optimiser"]["lr"] for _, experiment in points(tmp_path, grid=grid)]
    assert rates == [0.1, 0.2]


def test_several_grids_are_tried_one_after_another(tmp_path: Path) -> None:
    grids = [{"attack": ["dlg"]}, {"attack": ["precode_bypass"], "model": ["mlp"], "defence": ["precode"]}]
    found = points(tmp_path, grid=grids, seeds=[5, 7])
    assert [experiment["seed"] for _, experiment in found] == [5, 7, 5, 7]
    assert found[3][1]["attack"]["name"] == "precode_bypass"


def test_the_set_up_is_a_run_a_preset_or_a_link(tmp_path: Path) -> None:
    base = points(tmp_path, preset="first", grid={"size": [16]})[0][1]
    grid = {"seed": [1]}
    assert points(tmp_path, experiment={"experiment": base}, grid=grid)[0][1]["size"] == 16
    assert points(tmp_path, link="http://localhost:8501/?size=24&attack=dlg", grid=grid)[0][1]["size"] == 24
    images = points(tmp_path, grid={"image": [["sample:astronaut", "sample:coffee"], "sample:coffee"]})
    assert [experiment["images"] for _, experiment in images] == [
        ["sample:astronaut", "sample:coffee"],
        ["sample:coffee"],
    ]


WRONG: list[tuple[Any, str]] = [
    ("{", "does not hold JSON"),
    ([], "must hold an object with a grid"),
    ({"gird": {}}, "'gird' is not known; did you mean grid?"),
    ({}, "Nothing is to be tried; add a grid"),
    ({"grid": {"attack": "dlg"}}, "'attack' in the grid must be a list of values, not 'dlg'."),
    ({"grid": {"attack": ["dgl"]}}, "Where attack=dgl: attack: 'dgl' is not known; did you mean dlg?"),
    ({"grid": {"size": [32, 7]}}, "Where size=7: size must lie between"),
    ({"grid": {"label": [3, 11]}}, "Where label=11: Label 11"),
    ({"grid": {"defence": ["gaussian_noise:std"]}}, "Where defence=gaussian_noise:std: "),
    ({"grid": {"image": ["sample:nobody"]}}, "Where image=sample:nobody: There is no image"),
    ({"grid": {"size": [32, 32]}}, "size=32 and size=32 are the same set-up; leave one of them out."),
    ({"set": {"size": 32}, "grid": {"size": [16]}}, "'size' stands in set and in the grid; leave one of them out."),
    ({"grid": {"seed": [1]}, "repeats": 2}, "The seed stands in the grid"),
    ({"grid": {"size": [16]}, "repeats": 2, "seeds": [1]}, "leave one of them out"),
    ({"grid": {"size": [16]}, "repeats": 0}, "repeats must lie between"),
    ({"grid": {"size": [16]}, "seeds": ["a"]}, "seeds must be a whole number"),
    ({"grid": {"seed": list(range(20_000))}}, "A sweep has at most 10,000 points; leave out some values."),
    ({"preset": "first", "link": "?size=16", "grid": {"size": [16]}}, "names preset and link; keep one of them."),
    ({"preset": "frist", "grid": {"size": [16]}}, "There is no preset 'frist'; did you mean first?"),
    ({"set": [1], "grid": {"size": [16]}}, "set must be an object of paths and values"),
    ({"experiment": {"fork": "0123456789ab@40"}, "grid": {"seed": [1]}}, "The run that this one goes on from"),
    ({"title": 3, "grid": {"seed": [1]}}, "title must be a text"),
]


@pytest.mark.parametrize(("value", "sentence"), WRONG)
def test_what_cannot_be_played_is_said_before_anything_starts(tmp_path: Path, value: Any, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        read_plan(written(tmp_path, value), KNOWN)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith((".", "?"))


def test_there_are_no_more_workers_than_cores_and_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = points(tmp_path, grid={"seed": [1]})[0][1]
    cpu = {**KNOWN, "devices": [{"kind": "cpu", "name": "CPU"}]}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert useful_workers([one], cpu) == 8
    assert useful_workers([one | {"threads": 4}], cpu) == 2
    monkeypatch.setenv("GRADLEAK_MEMORY", "2")
    assert useful_workers([one], cpu) == 3
    monkeypatch.setenv("GRADLEAK_MEMORY", "0.1")
    assert useful_workers([one], cpu) == 1
    gpus = [{"kind": "cuda", "name": "GPU", "memory": 8e9}] * 2
    assert useful_workers([one], {**KNOWN, "devices": [*gpus, *cpu["devices"]]}) == 2


def test_a_sweep_writes_a_row_for_every_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(
        tmp_path, {"title": "Two rates", "set": QUICK | {"size": 9}, "grid": {"client.lr": [0.1, 0.2]}, "repeats": 2}
    )
    out = tmp_path / "rows.json"
    command = ["sweep", str(file), "--json", str(out), "--workers", "1", "--device", "cpu"]
    assert main(command) == 0
    value = json.loads(out.read_text(encoding="utf-8"))
    assert {key: value[key] for key in ("title", "status", "planned", "done", "failed")} == {
        "title": "Two rates", "status": "done", "planned": 4, "done": 4, "failed": 0,
    }  # fmt: skip
    assert [row["changes"] for row in value["points"]] == [
        {"client.lr": lr, "seed": seed} for lr in (0.1, 0.2) for seed in (0, 1)
    ]
    row = value["points"][3]
    assert (row["point"], row["experiment"]["client"]["lr"], row["seed"], row["device"]) == (4, 0.2, 1, "cpu")
    assert row["iterations"] == 3
    assert row["metrics"]["psnr"] > 0
    said = capsys.readouterr().out
    assert "Two rates" in said
    assert "client.lr=0.2" in said
    assert main([*command, "--quiet"]) == 0  # what is done is not done again
    again = json.loads(out.read_text(encoding="utf-8"))
    assert again["points"] == value["points"]


def test_a_point_that_fails_costs_itself_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What hidden layers name can be told only where the network is."""
    grid = {"threat.hidden": ["", "nonsense.*"], "seed": [0, 1]}
    out = tmp_path / "rows.json"
    file = written(tmp_path, {"set": QUICK, "grid": grid})
    assert main(["sweep", str(file), "--json", str(out), "--workers", "1", "--device", "cpu", "--quiet"]) == 1
    value = json.loads(out.read_text(encoding="utf-8"))
    assert (value["done"], value["failed"]) == (4, 2)
    assert [row["status"] for row in value["points"]] == ["done", "done", "refused", "refused"]
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Where threat.hidden=nonsense.*, seed=0 (and 1 more): ")
    assert "Traceback" not in said


def test_a_journal_that_cannot_be_written_is_said(
    tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_folder.mkdir()
    (data_folder / "sweeps").touch()
    file = written(tmp_path, {"set": QUICK, "grid": {"seed": [1]}})
    assert main(["sweep", str(file), "--workers", "1", "--device", "cpu", "--quiet"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "noise.jsonl cannot be written: " in said
    assert said.endswith("0 of 1 points are done and kept.")


def test_workers_are_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, {"grid": {"seed": [1]}})
    assert main(["sweep", str(file), "--workers", "1", "--cluster", "auto"]) == 2
    assert capsys.readouterr().err.startswith("--workers counts processes of this machine; leave it out")


def heed_ctrl_c() -> None:
    """Undoes that tests which run in the background of a shell, and all that they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path: Path) -> None:
    small = {"size": 8, "model": "mlp", "attack.goal": 0}
    file = written(tmp_path, {"set": small, "grid": {"attack.steps": [2, 100_000]}})
    out = tmp_path / "rows.json"
    command = [sys.executable, "-m", "gradleak_core", "sweep", str(file), "--json", str(out), "--workers", "2"]
    with subprocess.Popen(
        [*command, "--device", "cpu"], stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=heed_ctrl_c
    ) as going:
        until(lambda: out.exists() and json.loads(out.read_text(encoding="utf-8"))["done"] == 1)
        going.send_signal(signal.SIGINT)
        said = going.communicate(timeout=30)[1]
    assert going.returncode == 130
    assert "1 of 2 points are done and kept. The same command goes on from there." in said
    assert "Traceback" not in said
    assert json.loads(out.read_text(encoding="utf-8"))["status"] == "stopped"
    written(tmp_path, {"set": small, "grid": {"attack.steps": [2]}})
    assert main([*command[3:], "--device", "cpu", "--quiet"]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["points"][0]["iterations"] == 2
