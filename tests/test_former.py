"""What was written with the names of before is read: a set-up, a link, a command and a file of runs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gradleak_core.__main__ import main
from gradleak_core.catalogue import catalogue
from gradleak_core.config.former import SCHEMA
from gradleak_core.config.links import from_query, to_query
from gradleak_core.experiment import CODEC, load
from gradleak_core.runs.hub import load_trace
from gradleak_core.runs.store import Store

FORMER = Path(__file__).parent / "former"
EXPERIMENT = json.loads((FORMER / "experiment.json").read_text("utf-8"))
LINK = {"attack": "inverting_gradients", "attack.seeds": "3", "attack.steps": "12", "image": "sample:coffee"}


def test_a_set_up_of_before_is_read_and_written_by_the_names_of_now() -> None:
    assert EXPERIMENT["attack"]["seeds"] == 3
    experiment = load(EXPERIMENT)
    assert experiment.attack.restarts == 3
    written = CODEC.encode(experiment)["attack"]
    assert written["restarts"] == 3
    assert "seeds" not in written


def test_a_link_of_before_opens_the_same_set_up() -> None:
    known = catalogue()
    experiment = from_query(LINK, known)
    assert experiment["attack"]["restarts"] == 3
    assert to_query(experiment, known)["attack.restarts"] == "3"


def test_a_command_of_before_is_understood(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    command = ["attack", "--sample", "coin", "--steps", "2", "--size", "16", "--seeds", "2", "--quiet", "--json"]
    assert main([*command, str(file)]) == 0
    assert json.loads(file.read_text("utf-8"))["experiment"]["attack"]["restarts"] == 2


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copy(FORMER / "runs.sqlite3", tmp_path)
    return Store(tmp_path / "runs.sqlite3")


def test_a_file_of_runs_of_before_is_rewritten_once_and_shows_its_run(store: Store) -> None:
    [row] = store.rows()
    assert row["status"] == "done"
    assert row["experiment"]["attack"]["restarts"] == 3
    assert row["tags"] == []
    store.tag(row["id"], ["old"]).result()
    assert store.rows()[0]["tags"] == ["old"]
    assert row["started"]["restarts"] == 3
    assert row["started"]["losses"] == ["distance", "TotalVariation"]
    assert row["result"]["redrawn"] == 0
    assert row["result"]["metrics"]["distance"] > 0
    trace = load_trace(store, row["id"])
    assert trace is not None
    assert len(trace.columns["distance"]) == 12
    assert trace.frames[0]["metrics"]["distance"] > 0
    assert load(row["result"]["experiment"]).attack.restarts == 3
    path = store.path
    store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        texts = [
            text
            for column in ("experiment", "started", "result")
            for (text,) in db.execute(f"SELECT {column} FROM runs")
        ]
        texts += [head for (head,) in db.execute("SELECT head FROM frames")]
    assert not any(f'"{name}"' in text for text in texts for name in ("seeds", "match"))


def test_what_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    shutil.copy(FORMER / "runs.sqlite3", path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE runs SET result = ?", ("{no json",))
    store = Store(path)
    assert store.rows()[0]["status"] == "damaged"
    store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT result FROM runs").fetchone() == ("{no json",)
