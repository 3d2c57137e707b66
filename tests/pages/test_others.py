"""Runs, How it works and About, with an empty and a full store."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.config import knobs
from gradleak_core.config.differences import differences
from gradleak_core.runs.service import Service
from pages._parts.race import numbers
from tests.pages.conftest import Open, view
from tests.pages.test_lab import address, words


@pytest.mark.parametrize("page", ["lab", "runs", "trade_off", "how_it_works", "claims", "talks", "about"])
def test_every_page_opens_on_an_empty_store(service: Service, open_page: Open, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", ["lab", "runs", "trade_off", "how_it_works", "claims", "talks", "about"])
def test_every_page_opens_on_a_full_store(full: list[str], open_page: Open, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error


def test_an_empty_history_invites(service: Service, open_page: Open) -> None:
    app = open_page("runs")
    assert "There are no runs yet" in words(app)
    app.button[0].click().run()
    assert view(app)["experiment"]


def test_the_history_shows_names_as_they_were_typed_and_how_runs_ended(full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    shown = words(app)
    assert r"the \*first\*" in shown
    assert "the second" in shown
    assert shown.count("Finished") == 2
    assert shown.count("PSNR") == 2


def test_open_shows_the_run_in_the_lab(full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    app.button(f"open:{full[1]}").click().run()
    assert view(app)["run"] == full[1]
    assert address(app)["run"] == full[1]


def test_change_takes_the_set_up_to_the_lab_without_the_run(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    app.button(f"change:{full[1]}").click().run()
    assert view(app)["run"] is None
    assert view(app)["experiment"] == service.run(full[1])["experiment"]


def test_run_again_starts_the_same_experiment(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    app.button(f"again:{full[0]}").click().run()
    newest = service.runs()[0]
    assert newest["id"] not in full
    assert newest["experiment"] == service.run(full[0])["experiment"]
    assert view(app)["run"] == newest["id"]


def test_a_run_is_renamed(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    app.text_input(f"name:{full[0]}").set_value("a better name").run()
    assert service.run(full[0])["name"] == "a better name"
    assert "a better name" in words(app)


def test_a_run_is_deleted_only_after_the_question(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    app.button(f"delete:{full[0]}").click().run()
    assert len(service.runs()) == 2
    app.button("really-delete").click().run()
    assert [row["id"] for row in service.runs()] == [full[1]]


def test_two_runs_are_compared_side_by_side_in_the_order_of_choice(full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    assert app.button("compare").disabled
    newer, older = full
    app.checkbox(f"chosen:{newer}").check().run()
    app.checkbox(f"chosen:{older}").check().run()
    app.checkbox(f"chosen:{newer}").uncheck().run()
    app.checkbox(f"chosen:{newer}").check().run()
    app.button("compare").click().run()
    assert not app.exception
    assert app.query_params["compare"] == [older, newer]
    assert view(app)["shown"] == {
        "id": f"{older}-{newer}",
        "runs": [older, newer],
        "names": ["the *first*", "the second"],
        "race": False,
    }
    settings, numbers = (element.value for element in app.markdown if element.value.startswith("|"))
    assert "| PSNR (dB) |" in numbers
    assert "| SSIM |" in numbers
    assert settings.splitlines()[2:] == ["| Seed | 1 | 2 |"]


def test_a_link_that_compares_a_run_that_is_gone_says_so(full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    assert not app.warning
    app.query_params["compare"] = [full[0], "0123456789ab"]
    app.run()
    assert [warning.value for warning in app.warning] == [
        "A run that this link compares is no longer stored, or cannot be read."
    ]


def test_a_comparison_names_the_number_in_which_two_defences_differ(service: Service) -> None:
    left, right = (
        {"defences": [{"kind": "gaussian_noise", "std": std}, {"kind": "sign"}], "labels": None} for std in (0.1, 0.01)
    )
    known = service.catalogue()
    assert list(differences([left, right], known)) == [("Defences 1, Deviation", ["0.1", "0.01"])]
    without = right | {"defences": []}
    assert list(differences([left, without], known)) == [("Defences", ["Gaussian noise (std 0.1), Sign", "none"])]


def test_a_comparison_of_two_attacks_names_what_they_do_differently(service: Service) -> None:
    known = service.catalogue()
    left = knobs.put(knobs.start(known), "attack", "inverting_gradients", known)
    right = knobs.put(left, "attack.distance", "squared", known)
    right["attack"]["name"] = "mine"
    names = [("Attack", ["Inverting Gradients", "mine"]), ("Attack, Distance", ["Cosine", "Squared difference"])]
    assert list(differences([left, right], known)) == names
    rows = [{"experiment": each, "iteration": 1, "result": None, "status": "done"} for each in (left, right)]
    better = {title: way for title, *_, way in numbers(rows)}
    assert (better["Distance"], better["MSE"]) == ("not comparable", "lower")
    assert ["Distance", "none", "none", "lower"] in numbers(rows[:1] * 2)


def test_how_it_works_shows_every_attacks_and_defences_own_source(service: Service, open_page: Open) -> None:
    families = service.catalogue()["families"]
    for tab in ("attacks", "defences"):
        app = open_tab(open_page, tab)
        shown = [code.value.strip() for code in app.code]
        for entry in families[tab].values():
            assert entry["source"].strip() in shown
            assert entry.get("paper", "") in words(app)


def open_tab(open_page: Open, name: str) -> AppTest:
    app = open_page("how_it_works")
    app.query_params["tab"] = name
    return app.run()


def test_every_tab_has_an_address_and_the_figures_come_before_the_cards(service: Service, open_page: Open) -> None:
    ideas = {"leak": ["gradient", "label", "matching"], "attacks": [], "defences": ["noise", "dropout", "precode"]}
    app = open_page("how_it_works")
    for tab, expected in (ideas | {"numbers": [], "nonsense": ideas["leak"]}).items():
        app.query_params["tab"] = tab
        app.run()
        assert not app.exception
        given = [json.loads(component.proto.json)[0] for component in app.get("bidi_component")]
        assert [data["figure"] for data in given] == expected, tab
    app.button("to:defences").click().run()
    assert address(app)["tab"] == "defences"
    assert "What noise does to it" in [heading.value for heading in app.subheader]


def test_try_it_takes_an_attack_to_the_lab(service: Service, open_page: Open) -> None:
    for name in service.catalogue()["families"]["attacks"]:
        app = open_tab(open_page, "attacks")
        app.button(f"try:{name}").click().run()
        assert view(app)["experiment"]["attack"]["name"] == name


def test_about_names_device_versions_and_licences(service: Service, open_page: Open) -> None:
    app = open_page("about")
    known = service.catalogue()
    tables = [element.value for element in app.markdown if element.value.startswith("|")]
    assert known["devices"][0]["name"] in words(app)
    assert any(known["versions"]["torch"] in table for table in tables)
    for row in known["samples"].values():
        assert f"- **{row['title']}** ({row['licence']}): " in words(app)


@pytest.mark.parametrize("page", ["lab", "runs", "about"])
def test_a_page_says_what_was_lost(service: Service, open_page: Open, page: str) -> None:
    service.store.losses.append("The file of runs was damaged.")
    try:
        assert [error.value for error in open_page(page).error] == ["The file of runs was damaged."]
    finally:
        service.store.losses.clear()
