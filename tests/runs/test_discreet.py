"""Health and messages name files, not the folders of the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gradleak_core.runs.disk import without_folders
from tests.runs.serving import serving, until


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Not to be written to /srv/ada/my.runs/runs.sqlite3: full.", "Not to be written to runs.sqlite3: full."),
        ("No such file: '/srv/data/uploads/3f.png'", "No such file: '3f.png'"),
        (r"Cannot open C:\data\gradleak\runs.sqlite3.", "Cannot open runs.sqlite3."),
        (r"Cannot open \\server\share\runs.sqlite3.", "Cannot open runs.sqlite3."),
        ("~/data/x is missing; see file:///data/y", "x is missing; see y"),
        ("/data is full", "data is full"),
        ("It is at http://localhost:8501/runs; 3/4 of it, and/or sample:a/b.", None),
        ("folder:pets/dog/1.png has 1 / 2 of it.", None),
    ],
)  # fmt: skip
def test_paths_are_cut_to_their_last_part(text: str, left: str | None) -> None:
    assert without_folders(text) == (text if left is None else left)


def test_health_does_not_show_where_the_data_is(tmp_path: Path) -> None:
    complaint = f"{tmp_path}/catalogue.json cannot be read"
    with serving(tmp_path, ready=False, command=(sys.executable, "-c", f"exit({complaint!r})")) as server:
        until(lambda: server.client.get("/api/health").json()["workers"][0].get("error"))
        health = server.client.get("/api/health")
    assert health.json()["workers"][0]["error"] == "catalogue.json cannot be read"
    assert str(tmp_path) not in health.text
