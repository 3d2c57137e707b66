"""A damaged file of runs: it is set aside, what can be read of it comes back, and what is lost is said."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gradleak_core.runs.store import Store
from tests.runs.serving import serving
from tests.runs.toy_engine import experiment

RUNS = [f"run{number}" for number in range(12)]
FRAMES = 5
SENTENCE = "The file of runs was damaged."


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with runs, frames and pictures, some of them larger than a page."""
    path = tmp_path_factory.mktemp("whole") / "runs.sqlite3"
    store = Store(path)
    for run in RUNS:
        store.add(run, f"The {run}", experiment()).result()
        store.start(run, {"steps": 3}, run.encode() * 2000)
        for iteration in range(1, FRAMES + 1):
            store.frame(run, iteration, frame(iteration), b"%d" % iteration * 1500)
        store.status(run, "done")
    store.close()
    return path


def frame(iteration: int) -> dict[str, object]:
    curve = {"first": iteration, "columns": {"distance": [1 / iteration]}}
    return {"curve": curve, "picture": {"iteration": iteration}, "seconds": 0.1}


def damaged(whole: Path, folder: Path, page: int, text: bytes = b"\xa5") -> Path:
    """A copy in a folder of its own with one page, counted from 0, written over."""
    folder.mkdir(exist_ok=True)
    path = folder / "runs.sqlite3"
    shutil.copy(whole, path)
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write((text * 4096)[:4096])
    return path


def pages(path: Path) -> int:
    return path.stat().st_size // 4096


def root(path: Path, table: str) -> int:
    """The page from which all others of a table are reached."""
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return int(page) - 1


def test_whatever_page_below_the_roots_is_damaged_almost_all_is_kept(whole: Path, tmp_path: Path) -> None:
    for page in {*range(1, pages(whole), 3)} - {root(whole, "runs"), root(whole, "frames")}:
        path = damaged(whole, tmp_path / str(page), page)
        store = Store(path)
        rows = store.rows()
        pictures = sum(len(store.pictures(run)) for run in RUNS)
        store.close()
        assert {row["id"] for row in rows} == {*RUNS}, page
        assert sum(row["status"] == "done" for row in rows) >= len(RUNS) - 8, page  # of a page of rows at most
        assert pictures >= len(RUNS) * FRAMES - 12, page
        aside = [file for file in path.parent.iterdir() if ".damaged-" in file.name and file.suffix == ".sqlite3"]
        assert len(aside) <= 1  # a page that was free is no loss
        assert len(store.losses) == len(aside)


def test_what_is_lost_is_counted(whole: Path, tmp_path: Path) -> None:
    store = Store(damaged(whole, tmp_path, root(whole, "frames")))
    store.close()
    said = "Runs read from it: 12. Runs whose set-up is lost: 0. Frames lost: 60."
    assert store.losses[0].startswith(f"{SENTENCE} {said}")


@pytest.mark.parametrize("text", [b"\xa5", b"this is a text, not a database; "])
def test_without_its_first_page_nothing_comes_back_and_that_is_said(whole: Path, tmp_path: Path, text: bytes) -> None:
    path = damaged(whole, tmp_path, 0, text)
    before = path.read_bytes()
    store = Store(path)
    assert store.rows() == []
    store.add("new", "new", experiment()).result()
    store.close()
    assert store.losses[0].startswith(f"{SENTENCE} Nothing could be read from it.")
    (aside,) = tmp_path.glob("runs.damaged-*.sqlite3")
    assert aside.read_bytes() == before


def test_the_message_stays_until_the_file_is_deleted(whole: Path, tmp_path: Path) -> None:
    path = damaged(whole, tmp_path, 0)
    for _ in range(2):
        store = Store(path)
        store.close()
        assert len(store.losses) == 1
    for aside in tmp_path.glob("runs.damaged-*.sqlite3"):
        aside.unlink()
    store = Store(path)
    store.close()
    assert store.losses == []


def test_a_server_goes_on_after_damage_and_its_health_says_what_was_lost(whole: Path, tmp_path: Path) -> None:
    damaged(whole, tmp_path, root(whole, "runs"))
    with serving(tmp_path) as server:
        health = server.client.get("/api/health").json()
        assert health["ok"]
        assert health["lost"].startswith(SENTENCE)
        rows = server.client.get("/api/runs").json()
        assert {row["id"] for row in rows} == {*RUNS}
        assert {row["status"] for row in rows} <= {"done", "damaged"}
        for run in RUNS:
            assert server.client.get(f"/api/runs/{run}/recording").status_code == 200
            assert server.client.get(f"/api/runs/{run}/frames/2").status_code == 200
        server.until_status(server.submit(), "done")


def test_a_frame_that_is_lost_leaves_a_gap_and_moves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, ready=False) as server:
        store = server.service.store
        store.add("a", "a", experiment()).result()
        for iteration in (1, 2, 4):
            store.frame("a", iteration, frame(iteration), b"picture")
        store.write(lambda db: db.execute("UPDATE frames SET head = 'x' WHERE iteration = 2"))
        recording = server.service.recording("a")
    assert recording["curve"]["columns"] == {"distance": [1, None, None, 0.25]}
    assert [frame["iteration"] for frame in recording["frames"]] == [1, 4]
