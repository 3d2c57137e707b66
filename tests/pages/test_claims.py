"""The page about claims: what the papers say, what came out here, and the way to the Lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.config import links
from gradleak_core.config.admission import admit
from gradleak_core.config.races import check_lanes
from gradleak_core.places import ASSETS
from gradleak_core.runs import races
from gradleak_core.runs.service import Service
from pages._parts import claims, texts
from pages._parts.plots import value_plot
from tests.pages.conftest import Open, views
from tests.pages.test_lab import address, words
from tests.runs.serving import until

ROWS: list[Any] = json.loads((ASSETS / "claims.json").read_text(encoding="utf-8"))
LIVE = [row for row in ROWS if row["live"]["cpu"] is not None]
RESULT = {
    "ours": "DLG 12 %; iDLG 99 %",
    "verdict": "not reproduced",
    "images": "the 21 samples",
    "date": "2026-01-02",
    "seconds": 75.0,
    "place": "a small machine, 2 cores",
}


def test_every_claim_shows_what_is_said_and_how_to_cite_it(service: Service, open_page: Open) -> None:
    app = open_page("claims")
    assert not app.exception
    shown, code = words(app), [block.value for block in app.code]
    assert f"{len(ROWS)} claim" in shown
    for row in ROWS:
        assert row["title"] in [header.value for header in app.subheader]
        assert texts.escaped(row["sentence"]) in shown
        assert texts.escaped(row["theirs"]) in shown
        assert row["bibtex"] in code
        if row["result"]:
            assert texts.escaped(row["result"]["ours"]) in shown


def test_the_verdict_stands_beside_both_numbers(
    service: Service, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, untried = ROWS[0] | {"result": RESULT, "account": "The weights differ."}, ROWS[1] | {"result": None}
    (tmp_path / "claims.json").write_text(json.dumps([tried, untried]), encoding="utf-8")
    monkeypatch.setattr(claims, "ASSETS", tmp_path)
    app = open_page("claims")
    shown = words(app)
    assert "**2 claims**: 1 not reproduced, 1 not tried yet." in shown
    assert "Not reproduced" in shown
    assert texts.escaped("DLG 12 %; iDLG 99 %") in shown
    assert texts.escaped("a small machine, 2 cores, 1 min 15 s, 2026-01-02; images: the 21 samples") in shown
    assert texts.escaped("The weights differ.") in shown
    assert "Not tried yet" in shown


def test_every_claim_that_can_be_watched_is_a_set_up_that_can_be_run(service: Service) -> None:
    known = service.catalogue()
    for row in LIVE:
        wanted = links.from_query(claims.live(row, known), known)
        assert admit(wanted, known, service.folder) == wanted, row["name"]


@pytest.mark.parametrize("row", LIVE, ids=lambda row: row["name"])
def test_the_halves_of_a_claim_are_lanes_of_a_race(service: Service, row: Any) -> None:
    known = service.catalogue()
    lanes = claims.lanes(row, known)
    assert [admit(lane, known, service.folder) for lane in lanes] == lanes
    if row["halves"]:
        check_lanes(lanes)


def test_a_claim_goes_to_the_lab_as_the_race_of_its_halves(service: Service, open_page: Open) -> None:
    known, row = service.catalogue(), LIVE[0]
    app = open_page("claims")
    app.button(f"watch:{row['name']}").click().run()
    assert not app.exception
    [race] = [data["race"] for data in views(app)]
    assert race["lanes"] == claims.lanes(row, known)
    query = {key: app.query_params.get(key) for key in app.query_params if key != "lane"}
    assert links.from_query(query, known) == race["lanes"][0], address(app)


def test_a_claim_runs_under_its_name_beside_both_numbers(
    service: Service, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[0] | {"live": {key: {"attack.steps": "3"} for key in ("cpu", "cuda")}, "halves": ["attack.steps=4"]}
    (tmp_path / "claims.json").write_text(json.dumps([row]), encoding="utf-8")
    monkeypatch.setattr(claims, "ASSETS", tmp_path)
    app = open_page("claims")
    app.button(f"run:{row['name']}").click().run()
    assert not app.exception
    race = races.get_race(service, address(app)["race"])
    assert race["title"] == row["title"]
    assert {run["id"] for run in service.runs()} == {lane["id"] for lane in race["lanes"]}, "started once"
    assert [lane["experiment"] for lane in race["lanes"]] == claims.lanes(row, service.catalogue())
    until(lambda: all(service.run(lane["id"])["result"] for lane in race["lanes"]))
    app.run()
    assert texts.escaped(row["theirs"]) in words(app)
    [said] = [block.value for block in app.markdown if block.value.startswith("| Half")]
    for name, lane in zip(race["names"], race["lanes"], strict=True):
        scores = service.run(lane["id"])["result"]["metrics"]
        assert f"| {texts.escaped(name)} | {scores['psnr']:.1f} dB |" in said
    assert [data["shown"]["id"] for data in views(app)] == [race["id"]]


def test_claims_are_filtered_by_verdict_and_paper(service: Service, open_page: Open) -> None:
    app = open_page("claims")
    app.get("button_group")[0].set_value(["partly"]).run()
    partly = [row for row in ROWS if claims.verdict(row) == "partly"]
    assert [header.value for header in app.subheader] == [row["title"] for row in partly]
    app.selectbox("paper").set_value(partly[-1]["paper"]).run()
    left = [row["title"] for row in partly if row["paper"] == partly[-1]["paper"]]
    assert [header.value for header in app.subheader] == left


def test_a_figure_shows_every_value_with_their_number_mean_and_floor() -> None:
    rows = [{"name": "a & b", "values": [10.0, 20.0, 30.0]}, {"name": "c", "values": [5.0]}]
    drawn = value_plot({"title": "PSNR", "share": False, "floor": {"value": 14.0, "name": "grey"}, "rows": rows})
    assert all(f">{said}<" in drawn for said in ("each result", "their mean", "grey"))
    assert drawn.count("<circle") == 4 + 1  # one of them in the key
    for word in ("a &amp; b", "n = 3", "n = 1", ">grey<", "a &amp; b 20,"):
        assert word in drawn


def test_a_run_of_another_set_up_does_not_pass_for_a_claims(service: Service, open_page: Open) -> None:
    run = service.submit(service.catalogue()["experiment"]["default"])
    app = open_page("claims")
    app.query_params.update(claim=LIVE[0]["name"], run=run)
    app.run()
    assert "not of this claim" in app.warning[0].value
    assert not list(views(app))


@pytest.mark.parametrize(("device", "size"), [("cpu", "16"), ("cuda", "64")])
def test_the_set_up_is_of_a_size_that_suits_the_machine(device: str, size: str) -> None:
    row = {"live": {"cpu": {"size": "16"}, "cuda": {"size": "64"}}}
    assert claims.live(row, {"devices": [{"kind": device}]}) == {"size": size}


def test_rows_of_a_plot_have_names_for_a_reader() -> None:
    figures = [row["figure"] for row in ROWS if row["figure"]]
    named = {part for figure in figures for row in figure["rows"] for part in row["name"].split(", ")}
    assert not named & {"lenet", "mlp", "convnet", "resnet20", "cifar10", "mnist", "told", "ignore", "solve", "minimum"}
    assert all("its 95 % interval" in value_plot(figure) for figure in figures if figure["share"])
