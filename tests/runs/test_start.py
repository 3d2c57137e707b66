"""Starting on what an earlier server or an accident left: bad rows are marked, a start that fails says why."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gradleak_core.config.former import SCHEMA
from gradleak_core.runs.store import Store
from tests.runs.serving import serving
from tests.runs.toy_engine import experiment

ROOT = Path(__file__).parents[2]
DAMAGE = {
    "no JSON": "UPDATE runs SET experiment = '{' WHERE id = 'bad'",
    "a list": "UPDATE runs SET experiment = '[]' WHERE id = 'bad'",
    "a number": "UPDATE runs SET experiment = 17 WHERE id = 'bad'",
    "an attack of the wrong kind": """UPDATE runs SET experiment = '{"attack": []}' WHERE id = 'bad'""",
    "a result of the wrong kind": "UPDATE runs SET result = '[1]' WHERE id = 'bad'",
    "no text at all": "UPDATE runs SET experiment = x'ff' WHERE id = 'bad'",
}
SCARS = {
    "a missing column": "ALTER TABLE runs DROP COLUMN result",
    "a missing table": "DROP TABLE frames",
}


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The file of a server that stopped with one run at work and two waiting."""
    store = Store(tmp_path / "runs.sqlite3")
    for run in ("good", "bad", "waiting"):
        store.add(run, run, experiment()).result()
    store.status("good", "running")
    store.close()
    return store.path


def change(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(text)


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_unreadable_row_is_marked_and_the_others_are_as_ever(left: Path, damage: str) -> None:
    change(left, DAMAGE[damage])
    with serving(left.parent, ready=False, command=(sys.executable, "-c", "input()")) as server:
        rows = {row["id"]: row for row in server.client.get("/api/runs").json()}
        assert rows["bad"]["status"] == "damaged"
        assert rows["bad"]["message"].startswith("This run is damaged")
        assert rows["good"]["status"] == "queued"
        assert (rows["waiting"]["status"], rows["waiting"]["queue_position"]) == ("queued", 2)
        assert server.client.delete("/api/runs/bad").status_code == 204


@pytest.mark.parametrize("scar", SCARS)
def test_a_missing_table_or_column_is_mended(left: Path, scar: str) -> None:
    change(left, SCARS[scar])
    with serving(left.parent, ready=False, command=(sys.executable, "-c", "input()")) as server:
        rows = {row["id"]: row["status"] for row in server.client.get("/api/runs").json()}
        assert rows == {"good": "queued", "bad": "queued", "waiting": "queued"}
        assert "lost" in server.client.get("/api/health").json()


def too_new(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "runs.sqlite3")) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")


def a_folder(folder: Path) -> None:
    (folder / "runs.sqlite3").mkdir()


SERVE = ("gradleak_core", "serve", "--port", "0", "--data-dir")
STREAMLIT = ("streamlit", "run", "app.py", "--server.headless", "true", "--server.port", "0")


@pytest.mark.parametrize(
    ("command", "obstacle", "sentence"),
    [
        (SERVE, too_new, "was written by a newer GradLeak"),
        (SERVE, a_folder, "cannot be used for runs (unable to open database file)"),
        (STREAMLIT, too_new, "was written by a newer GradLeak"),
    ],
)
def test_a_start_that_fails_ends_with_a_code_and_a_sentence(
    tmp_path: Path, command: tuple[str, ...], obstacle: Callable[[Path], None], sentence: str
) -> None:
    obstacle(tmp_path)
    whole = [sys.executable, "-m", *command, *([str(tmp_path)] if command is SERVE else [])]
    environment = os.environ | {"GRADLEAK_DATA": str(tmp_path)}
    ended = subprocess.run(whole, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("number", ["-1", "²"])
def test_a_strange_number_of_workers_is_one_sentence(tmp_path: Path, number: str) -> None:
    environment = os.environ | {"GRADLEAK_DATA": str(tmp_path), "GRADLEAK_WORKERS": number}
    ended = subprocess.run(
        [sys.executable, "-c", "import app"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"GRADLEAK_WORKERS must be a whole number between 0 and 64, not {number!r}."
