"""What a viewer is told before a run begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradleak_core.runs.controls import Controls
from gradleak_core.runs.hub import Hub
from gradleak_core.runs.loop import Download, Run, Stopped
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.store import Store
from tests.runs import toy_engine


def test_a_download_says_how_far_it_is_and_never_keeps_its_end_to_itself() -> None:
    said: list[tuple[str, float | None]] = []
    heard = Download("MNIST", lambda *note: said.append(note))
    for done in (1_500_000, 1_600_000, 3_000_000):
        heard(done, 3_000_000)
    assert said[0] == ("Downloading MNIST: 1.5 of 3.0 MB.", 0.5)
    assert said[-1] == ("Downloading MNIST: 3.0 of 3.0 MB.", 1)
    Download("MNIST", lambda *note: said.append(note))(500_000, 0)
    assert said[-1] == ("Downloading MNIST: 0.5 MB.", None)


def test_a_note_reaches_viewers_of_a_run_that_has_not_begun_and_goes_when_it_does(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.sqlite3")
    store.add("a", "a run", toy_engine.experiment()).result()
    hub, row = Hub(store), store.row("a")
    assert row
    hub.open(row)
    hub.set_places({"a": {"queue_position": 1, "queue_seconds": 3}})
    hub.note("a", "Downloading MNIST: 1.5 of 3.0 MB.", 0.5)
    head = unpack_live(hub.live["a"].since(0))[0]
    assert (head["status"], head["queue_position"]) == ("queued", None)
    assert (head["message"], head["share"]) == ("Downloading MNIST: 1.5 of 3.0 MB.", 0.5)
    hub.start("a", {"steps": 3}, b"")
    head = unpack_live(hub.live["a"].since(0))[0]
    assert (head["status"], head["message"]) == ("running", None)
    store.close()


def test_a_run_that_is_stopped_ends_its_download() -> None:
    sent, controls = [], Controls()
    run = Run(toy_engine, "a", "cpu", controls, lambda head, blob=b"": sent.append(head))
    run.note("Downloading MNIST: 1.5 of 3.0 MB.", 0.5)
    assert sent == [{"type": "note", "run": "a", "message": "Downloading MNIST: 1.5 of 3.0 MB.", "share": 0.5}]
    controls.apply({"type": "stop"})
    with pytest.raises(Stopped):
        run.note("Downloading MNIST: 2.0 of 3.0 MB.", 0.7)
