"""A full disk: nothing that was seen is lost, what is new is refused in a sentence, and then all goes on."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradleak_core.data import samples
from gradleak_core.runs.disk import FULL, Unwritable
from gradleak_core.runs.store import MOST_HELD, Store
from tests.runs.serving import SLOW, Server, until
from tests.runs.toy_engine import experiment

EXPERIMENT = {"images": ["sample:astronaut"], "attack": {"steps": 3}}


def limit(store: Store, pages: int) -> None:
    """Lets the file grow to so many pages; at least to what it has."""
    store._writer.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"), urgent=True).result()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite3")
    store.add("a", "a", EXPERIMENT).result()
    yield store
    store.close()


@pytest.fixture
def full(server: Server) -> Iterator[Server]:
    """A server whose disk has no room while a run, the newest, goes on."""
    run = server.submit(**SLOW)
    server.until_iteration(run, 3)
    limit(server.service.store, 1)
    until(lambda: server.service.health().get("error"))
    yield server
    limit(server.service.store, 2**30)


def room(server: Server) -> None:
    limit(server.service.store, 2**30)
    until(lambda: server.service.health()["ok"])


def test_the_curve_has_no_gaps_and_the_stopped_run_is_stopped_at_once(full: Server) -> None:
    run = full.service.runs()[0]["id"]
    before = full.row(run)["iteration"]
    full.until_iteration(run, before + 100)
    assert full.command(run, "stop") == 202
    ended = full.until_status(run, "stopped")
    assert full.service.health()["error"] == FULL
    room(full)
    columns = full.service.recording(run)["curve"]["columns"]
    assert {len(values) for values in columns.values()} == {ended["iteration"]}
    assert None not in columns["distance"]
    with contextlib.closing(sqlite3.connect(full.service.folder / "runs.sqlite3")) as db:
        assert db.execute("SELECT status FROM runs WHERE id = ?", (run,)).fetchone() == ("stopped",)


def test_what_is_new_is_refused_with_the_sentence_and_accepted_when_there_is_room(full: Server) -> None:
    run = full.service.runs()[0]["id"]
    answer = full.client.post("/api/runs", json={"experiment": experiment()})
    assert (answer.status_code, answer.json()) == (507, {"error": FULL})
    renamed = full.client.patch(f"/api/runs/{run}", json={"name": "Better"})
    assert (renamed.status_code, renamed.json()) == (507, {"error": FULL})
    for path in ("", "/thumbnail", "/truth", "/recording", "/export.zip"):
        assert full.client.get(f"/api/runs/{run}{path}").status_code == 200
    full.command(run, "stop")
    room(full)
    full.until_status(full.submit(), "done")


def test_a_watched_run_says_it_and_a_deleted_one_is_gone(full: Server) -> None:
    run = full.service.runs()[0]["id"]
    with full.live(run) as viewer:
        until(lambda: FULL.encode() in bytes(viewer.recv()))
    assert full.client.delete(f"/api/runs/{run}").status_code == 204
    assert full.client.get(f"/api/runs/{run}").status_code == 404
    assert full.service.runs() == []
    room(full)
    with contextlib.closing(sqlite3.connect(full.service.folder / "runs.sqlite3")) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_what_waits_is_written_in_order_even_when_the_store_is_closed(store: Store) -> None:
    limit(store, 1)
    store.start("a", {"steps": 3}, bytes(10**6))
    store.status("a", "done", result={"psnr": 20})
    until(lambda: store.trouble == FULL)
    assert store.row("a")["status"] == "done"  # type: ignore[index]
    limit(store, 2**30)
    store.close()
    again = Store(store.path)
    row = again.row("a")
    again.close()
    assert row is not None
    assert (row["status"], row["started"], row["result"]) == ("done", {"steps": 3}, {"psnr": 20})


def test_deleting_a_run_makes_room_for_what_waits(store: Store) -> None:
    store.add("old", "old", EXPERIMENT).result()
    store.frame("old", 1, {}, bytes(10**6)).result()
    limit(store, 1)
    waiting = store.frame("a", 1, {}, bytes(10**5))
    with pytest.raises(Unwritable, match="The disk is full"):
        store.add("b", "b", EXPERIMENT).result()
    assert not waiting.done()
    store.delete("old").result()
    waiting.result(30)
    until(lambda: store.trouble is None)


def test_pictures_that_wait_take_a_bounded_amount_of_memory_and_the_curve_stays_whole(store: Store) -> None:
    picture = bytes(2**20)
    limit(store, 1)
    for iteration in range(1, 81):
        store.frame("a", iteration, {"picture": {"iteration": iteration}}, picture)
        store.flush()
    limit(store, 2**30)
    until(lambda: store.trouble is None)
    kept = [iteration for iteration, _ in store.pictures("a")]
    heads = store.heads("a")
    assert kept == [*range(1, MOST_HELD // 2**20 + 1)]
    assert [head["picture"] is not None for head in heads] == [iteration in kept for iteration in range(1, 81)]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_an_upload_without_room_is_refused_and_leaves_nothing(server: Server) -> None:
    import resource

    picture = samples.read_sample("astronaut")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        answer = server.client.post("/api/uploads", content=picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.status_code, answer.json()) == (507, {"error": FULL})
    assert [*server.service.folder.glob("uploads/*")] == []
    assert server.client.post("/api/uploads", content=picture).status_code == 201
