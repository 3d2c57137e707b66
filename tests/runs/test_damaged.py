"""Rows that cannot be read: each is shown as damaged, and takes neither the list nor the other runs with it."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.runs.store import Store
from tests.runs.serving import Server, serving
from tests.runs.toy_engine import experiment

ROW = {"id": "odd", "name": "odd", "created": 1.0, "status": "done", "message": None, "experiment": "", "started": None,
       "result": None}  # fmt: skip
DAMAGES: dict[str, dict[str, Any]] = {
    "no JSON": {"experiment": "{"},
    "a list": {"experiment": "[]"},
    "a text": {"experiment": '"x"'},
    "null": {"experiment": "null"},
    "bytes": {"experiment": b"\xff\xfe"},
    "surrogate": {"experiment": json.dumps(experiment() | {"threat": {"hidden": "\ud800"}})},
    "not a number": {"experiment": json.dumps(experiment() | {"seed": float("nan")})},
    "deep": {"experiment": "[" * 5000},
    "attack of another kind": {"experiment": json.dumps(experiment() | {"attack": []})},
    "result of another kind": {"experiment": json.dumps(experiment()), "result": "[1]"},
    "start of another kind": {"experiment": json.dumps(experiment()), "started": "7"},
    "name of another kind": {"experiment": json.dumps(experiment()), "name": b"\xff"},
    "time of another kind": {"experiment": json.dumps(experiment()), "created": "yesterday"},
    "time without end": {"experiment": json.dumps(experiment()), "created": float("inf")},
    "time after all dates": {"experiment": json.dumps(experiment()), "created": 1e300},
    "no JSON, and a time without end": {"experiment": "{", "created": float("inf")},
    "scores of another kind": {"experiment": json.dumps(experiment()), "result": '{"metrics": [1]}'},
    "score of another kind": {"experiment": json.dumps(experiment()), "result": '{"metrics": {"ssim": "y"}}'},
    "seconds of another kind": {"experiment": json.dumps(experiment()), "result": '{"seconds": "z"}'},
    "sentence of another kind": {"experiment": json.dumps(experiment()), "result": '{"verdict": 7}'},
    "waiting": {"experiment": "{", "status": "queued"},
    "handed over x times": {"experiment": json.dumps(experiment()), "status": "queued", "started": '{"given": "x"}'},
    "handed over no times": {"experiment": json.dumps(experiment()), "status": "queued", "started": '{"given": null}'},
}


FRAME = {
    "curve": {"first": 1, "columns": {"distance": [1.0]}},
    "picture": {"iteration": 1, "metrics": {}},
    "seconds": 1.0,
}
ODD_FRAMES = [
    *("{", "[]", '{"curve": 1}'),
    *(
        json.dumps(FRAME | change)
        for change in (
            {"curve": {"first": -5, "columns": {"distance": ["a"]}}},
            {"curve": {"first": 900_000_000, "columns": {"distance": [1.0]}}},
            {"curve": {"first": 1, "columns": [1.0]}},
            {"picture": {}},
            {"picture": {"iteration": "b", "metrics": {}}},
            {"picture": {"iteration": 7, "metrics": {}}},
            {"picture": {"iteration": 1, "metrics": {"ssim": "x"}}},
            {"seconds": "c"},
        )
    ),
]


def plant(folder: Path, **changes: Any) -> None:
    """Writes one more row past the store, as another version or a failing disk would leave it."""
    row = ROW | changes
    with closing(sqlite3.connect(folder / "runs.sqlite3")) as db, db:
        db.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def lists(server: Server, damaged: int) -> None:
    """Checks that list and health answer, and that so many rows are damaged."""
    answer = server.client.get("/api/runs")
    assert answer.status_code == 200
    found = [row for row in answer.json() if row["status"] == "damaged"]
    assert len(found) == damaged
    for row in found:
        assert (row["experiment"], row["result"]) == ({}, None)
        assert row["problem"].startswith("This run is damaged: ")
    assert server.client.get("/api/health").json()["ok"]


@pytest.mark.parametrize("case", DAMAGES)
def test_a_row_that_cannot_be_read_is_damaged_and_the_list_goes_on(server: Server, case: str) -> None:
    good = server.submit(steps=3)
    server.until_status(good, "done")
    plant(server.service.folder, **DAMAGES[case])
    lists(server, damaged=1)
    for part in ("", "/recording", "/export.zip"):
        assert server.client.get(f"/api/runs/odd{part}").status_code == 200
    assert server.watch("odd")[0][0]["status"] == "damaged"
    assert server.client.delete("/api/runs/odd").status_code == 204
    assert [row["id"] for row in server.client.get("/api/runs").json()] == [good]


def test_a_start_with_damaged_rows_plays_the_queue(tmp_path: Path) -> None:
    Store(tmp_path / "runs.sqlite3").close()
    for number, damage in enumerate(DAMAGES.values()):
        plant(tmp_path, **damage | {"id": f"odd{number}"})
    plant(tmp_path, id="good", status="queued", experiment=json.dumps(experiment(steps=3)))
    with serving(tmp_path) as server:
        lists(server, damaged=len(DAMAGES))
        assert server.until_status("good", "done", "failed")["status"] == "done"


def test_text_that_is_not_unicode_is_shown_as_far_as_it_goes(server: Server) -> None:
    plant(server.service.folder, experiment=json.dumps(experiment()))
    with closing(sqlite3.connect(server.service.folder / "runs.sqlite3")) as db, db:
        db.execute("UPDATE runs SET name = CAST(x'61ff62' AS TEXT)")
    assert server.row("odd")["name"] == "a\ufffdb"


def test_frames_that_cannot_be_read_leave_the_others(server: Server) -> None:
    run = server.submit(steps=200, delay=0.002)
    server.until_status(run, "done")
    with closing(sqlite3.connect(server.service.folder / "runs.sqlite3")) as db, db:
        last = db.execute("SELECT max(iteration) FROM frames").fetchone()[0]
        for number, head in enumerate(ODD_FRAMES, last + 1):
            db.execute("INSERT INTO frames VALUES (?, ?, ?, x'6e6f')", (run, number, head))
        db.execute("UPDATE runs SET truth = x'6e6f' WHERE id = ?", (run,))
    assert len(server.client.get(f"/api/runs/{run}/recording").json()["curve"]["columns"]["distance"]) == 200
    assert server.watch(run)[0][0]["status"] == "done"
    with zipfile.ZipFile(io.BytesIO(server.client.get(f"/api/runs/{run}/export.zip").content)) as archive:
        names = archive.namelist()
    assert "curve.csv" in names
    assert "truth.png" not in names
    assert f"frames/{last:06}.png" in names
    assert f"frames/{last + 1:06}.png" not in names


def test_a_file_of_runs_that_is_away_for_a_moment_is_said_in_a_sentence(server: Server) -> None:
    good = server.submit(steps=3)
    server.until_status(good, "done")
    files = {file: file.with_name(f"away-{file.name}") for file in server.service.folder.glob("runs.sqlite3*")}
    for file, away in files.items():
        file.rename(away)
    try:
        answer = server.client.get("/api/runs")
    finally:
        for file, away in files.items():
            away.rename(file)
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("The runs cannot be read at the moment (")
    assert [row["id"] for row in server.client.get("/api/runs").json()] == [good]


def test_a_run_of_a_part_that_is_gone_says_so_and_keeps_its_result(server: Server) -> None:
    gone = experiment() | {"model": {"kind": "gone"}}
    plant(server.service.folder, experiment=json.dumps(gone), result='{"seconds": 1.5}')
    row = server.row("odd")
    assert (row["status"], row["result"], row["experiment"]["model"]) == ("done", {"seconds": 1.5}, {"kind": "gone"})
    assert row["problem"] == ("The set-up of this run cannot be used here: model has no kind 'gone'; choose from net.")
    assert "model has no kind 'gone'" in server.client.post("/api/runs", json={"experiment": gone}).text
