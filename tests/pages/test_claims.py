"""The page about claims: what the papers say, what came out here, and the way to the Lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.config import links
from gradleak_core.config.admission import admit
from gradleak_core.runs.service import Service
from pages._parts import claims, site, texts
from tests.pages.conftest import Open, view
from tests.pages.test_lab import address, words

ROWS: list[Any] = json.loads((site.ASSETS / "claims.json").read_text(encoding="utf-8"))
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


@pytest.mark.parametrize("row", [LIVE[0], LIVE[-1]], ids=lambda row: row["name"])
def test_watching_takes_the_claims_whole_set_up_to_the_lab(service: Service, open_page: Open, row: Any) -> None:
    known = service.catalogue()
    app = open_page("claims")
    app.button(f"watch:{row['name']}").click().run()
    assert not app.exception
    wanted = links.from_query(claims.live(row, known), known)
    assert view(app)["experiment"] == wanted
    assert view(app)["refused"] is None, row["name"]
    query = {key: app.query_params[key] for key in app.query_params}
    assert links.from_query(query, known) == wanted, address(app)


@pytest.mark.parametrize(("device", "size"), [("cpu", "16"), ("cuda", "64")])
def test_the_set_up_is_of_a_size_that_suits_the_machine(device: str, size: str) -> None:
    row = {"live": {"cpu": {"size": "16"}, "cuda": {"size": "64"}}}
    assert claims.live(row, {"devices": [{"kind": device}]}) == {"size": size}
