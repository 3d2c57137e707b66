"""The file of runs: what went in comes out, and a file that cannot be used is refused in a sentence."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from gradleak_core.config.former import SCHEMA
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused

ROOT = Path(__file__).parents[2]
EXPERIMENT = {"images": ["sample:astronaut"], "attack": {"steps": 3}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite3")
    yield store
    store.close()


def test_what_went_in_comes_out(store: Store) -> None:
    store.add("a", "first", EXPERIMENT)
    store.start("a", {"steps": 3, "losses": ["distance"]}, b"truth")
    for iteration in (1, 2, 3):
        store.frame("a", iteration, {"seconds": iteration}, b"picture %d" % iteration)
    store.status("a", "done", result={"psnr": 20}).result()
    row = store.row("a")
    assert row is not None
    assert (row["status"], row["iteration"], row["experiment"], row["result"]) == ("done", 3, EXPERIMENT, {"psnr": 20})
    assert store.heads("a") == [{"seconds": 1}, {"seconds": 2}, {"seconds": 3}]
    assert (store.picture("a", 2), store.picture("a"), store.picture("a", 4)) == (b"picture 2", b"picture 3", None)
    assert store.truth("a") == b"truth"


def test_tags_that_cannot_be_read_take_nothing_else_along(store: Store) -> None:
    store.add("a", "a", EXPERIMENT)
    for text in ("{no json", '"a text"', "[1]", "[" * 9999):
        store.write(lambda db, text=text: db.execute("UPDATE runs SET tags = ?", (text,))).result()
        row = store.row("a")
        assert row is not None
        assert (row["tags"], row["status"], row["experiment"]) == ([], "queued", EXPERIMENT)


def test_deleting_takes_the_frames_along_and_leaves_other_runs(store: Store) -> None:
    for run in ("a", "b"):
        store.add(run, run, EXPERIMENT)
        store.frame(run, 1, {}, b"picture")
    store.delete("a").result()
    assert [row["id"] for row in store.rows()] == ["b"]
    assert (store.picture("a"), store.picture("b")) == (None, b"picture")


def test_pictures_that_are_deleted_are_gone_from_the_files_too(store: Store) -> None:
    secrets = [b"private picture %d " % number * 400 for number in range(2)]
    for number, secret in enumerate(secrets):
        store.add(f"run {number}", "run", EXPERIMENT)
        store.start(f"run {number}", {}, secret)
        for iteration in range(3):
            store.frame(f"run {number}", iteration, {}, secret)
    store.flush()
    assert all(secret[:17] in bytes_of(store.path) for secret in secrets)
    store.delete("run 0").result()
    assert secrets[0][:17] not in bytes_of(store.path)
    assert secrets[1][:17] in bytes_of(store.path)


def test_what_a_reader_held_up_is_gone_with_the_next_change(store: Store) -> None:
    store.add("a", "a", EXPERIMENT)
    store.start("a", {}, b"private picture" * 400).result()
    with sqlite3.connect(store.path) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        store.delete("a")
    reader.close()
    store.flush()
    assert b"private picture" not in bytes_of(store.path)


def bytes_of(path: Path) -> bytes:
    """The file of runs and its log."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_closing_writes_all_that_was_handed_over(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite3")
    store.add("a", "a", EXPERIMENT)
    for iteration in range(500):
        store.frame("a", iteration, {}, b"picture")
    store.close()
    again = Store(tmp_path / "runs.sqlite3")
    assert len(again.pictures("a")) == 500
    again.close()


def test_a_failed_write_is_told_and_does_not_end_the_writing(store: Store) -> None:
    holding = Event()
    store.write(lambda db: holding.wait())
    before = store.add("a", "a", EXPERIMENT)
    lost = store.write(lambda db: db.execute("INSERT INTO nowhere VALUES (1)"))
    holding.set()
    with pytest.raises(sqlite3.Error):
        lost.result()
    before.result()
    assert "no such table" in str(store.trouble)
    store.add("b", "b", EXPERIMENT).result()
    assert store.trouble is None
    assert [row["id"] for row in store.rows()] == ["b", "a"]


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(Refused, match=r"written by a newer GradLeak .* update GradLeak or choose another folder"):
        Store(path)
    assert path.read_bytes() == before


def test_a_second_process_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite3")
    opening = f"from gradleak_core.runs.store import *; Store(Path({str(store.path)!r})).close()"
    command = [sys.executable, "-c", opening]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert "Another GradLeak server is using" in refused.stderr
    store.close()
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_a_server_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    opening = f"from gradleak_core.runs.store import *; s=Store(Path({str(path)!r})); print('open',flush=True);input()"
    command = [sys.executable, "-c", opening]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(Refused, match="Another GradLeak server is using"):
            Store(path)
        other.kill()
    Store(path).close()


def test_a_lock_is_let_go_by_another_thread(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite3")
    closing = threading.Thread(target=store.close)
    closing.start()
    closing.join()
    Store(store.path).close()
