"""What the stage is told of the query in its address, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.runs.serving import Server, serving, until
from tests.runs.toy_engine import experiment


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("stage")) as server:
        yield server


def test_a_run_and_a_race_are_shown_with_their_lanes(toy: Server) -> None:
    run = toy.submit(steps=3)
    chapter = toy.client.get(f"/api/stage?run={run}").json()["chapters"][0]
    assert (chapter["show"], chapter["runs"], len(chapter["experiments"])) == ("run", [run], 1)
    until(lambda: toy.client.get(f"/api/runs/{run}").json()["status"] == "done")
    chapter = toy.client.get(f"/api/stage?run={run}").json()["chapters"][0]
    assert toy.client.get(f"/{chapter['recording']}").json()["frames"]
    lanes = [experiment(steps=3), experiment(steps=4)]
    race = toy.client.post("/api/races", json={"lanes": lanes, "title": "Two"}).json()
    chapter = toy.client.get(f"/api/stage?race={race['id']}").json()["chapters"][0]
    assert (chapter["show"], chapter["title"], len(chapter["runs"])) == ("race", "Two", 2)
    assert [len(chapter[name]) for name in ("experiments", "names", "told")] == [2, 2, 2]


@pytest.mark.parametrize(
    ("query", "status"),
    [("run=000000000000", 404), ("race=000000000000", 404), ("model=nothing", 422), ("lane=nothing", 422)],
)
def test_what_makes_no_sense_is_one_sentence(toy: Server, query: str, status: int) -> None:
    answer = toy.client.get(f"/api/stage?{query}")
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_keys_that_belong_to_the_stage_are_no_set_up(toy: Server) -> None:
    plain = toy.client.get("/api/stage").json()
    for key in ("chapter=2", "speaker=1", "lang=de", f"hide={quote('model,seed')}"):
        assert toy.client.get(f"/api/stage?{key}").json() == plain
    assert toy.client.get("/api/stage?talk=any").json()["chapters"] == []
