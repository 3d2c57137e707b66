"""Pricing a defence from its page, with the real command in the background."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.config import knobs
from gradleak_core.runs.service import Service
from tests.pages.conftest import Open
from tests.pages.test_lab import address, words
from tests.runs.serving import until


@pytest.fixture
def quick(service: Service) -> Any:
    """A set-up that is priced within seconds."""
    known = service.catalogue()
    experiment = knobs.start(known)
    for path, value in (("size", 16), ("model", "mlp"), ("model.width", 32), ("attack.steps", 3)):
        experiment = knobs.put(experiment, path, value, known)
    return experiment


def chart(app: AppTest) -> Any:
    return json.loads(app.get("plotly_chart")[0].proto.spec)["data"]


def linked(open_page: Open, name: str) -> AppTest:
    """The page as a link to one price opens it."""
    app = open_page("trade_off")
    app.query_params["price"] = name
    return app.run()


def test_a_defence_is_priced_point_by_point_and_survives_a_refresh(
    service: Service, quick: Any, open_page: Open
) -> None:
    app = open_page("trade_off")
    app.session_state["setup"] = quick
    app.run()
    app.selectbox("price:defence").set_value("dropout").run()
    app.multiselect("price:dropout:p").set_value([0.5, 0.7]).run()
    app.number_input("price:rounds").set_value(3).run()
    next(button for button in app.button if button.label == "Price it").click().run()
    assert not app.exception
    assert not app.error
    name = address(app)["price"]
    assert service.price(name)["experiment"]["model"]["width"] == 32
    until(lambda: service.price(name)["status"] != "running")
    assert service.price(name)["status"] == "done", service.price(name)["message"]

    fresh = linked(open_page, name)
    assert not fresh.exception
    defended, none = chart(fresh)
    assert (defended["text"], none["text"]) == (["0.5", "0.7"], ["No defence"])
    assert none["marker"]["symbol"] != defended["marker"]["symbol"]
    points = service.price(name)["points"]
    assert none["x"] + defended["x"] == [point["psnr"] for point in points]
    assert none["y"] + defended["y"] == [point["accuracy"] for point in points]
    [rows] = [element.value for element in fresh.markdown if element.value.startswith("|")]
    assert len(rows.splitlines()) == 2 + 3
    assert f"{points[1]['accuracy']:.1%}" in rows
    fresh.segmented_control("price:measure").set_value("SSIM").run()
    assert chart(fresh)[1]["x"] == [points[0]["ssim"]]


def test_while_it_runs_the_page_says_so_and_can_stop_it(service: Service, quick: Any, open_page: Open) -> None:
    known = service.catalogue()
    name = service.start_price(quick, [knobs.defence("sign", known)], {"rounds": 2000})
    app = linked(open_page, name)
    assert "Stop" in [button.label for button in app.button]
    until(lambda: len(service.price(name)["points"]) > 0 or service.price(name)["note"])
    app.button("stop-price").click().run()
    assert not app.exception
    assert service.price(name)["status"] == "stopped"
    assert "Stopped by you" in words(app.run())


def test_a_second_one_is_refused_while_the_first_goes_on(service: Service, quick: Any, open_page: Open) -> None:
    known = service.catalogue()
    name = service.start_price(quick, [knobs.defence("sign", known)], {"rounds": 2000})
    app = open_page("trade_off")
    app.session_state["setup"] = quick
    app.run()
    next(button for button in app.button if button.label == "Price it").click().run()
    assert [error.value for error in app.error] == ["Another price is being worked out; wait for it or stop it."]
    service.stop_price(name)


def test_every_defence_has_values_ready(service: Service, open_page: Open) -> None:
    app = open_page("trade_off")
    for kind, row in service.catalogue()["families"]["defences"].items():
        app.selectbox("price:defence").set_value(kind).run()
        assert not app.exception
        assert not next(button for button in app.button if button.label == "Price it").disabled
        if any(knob["type"] in ("integer", "number") for knob in row["knobs"]):
            assert 3 <= len(app.multiselect[0].value) <= 6, kind


def test_a_defence_that_does_not_fit_the_set_up_says_why(service: Service, open_page: Open) -> None:
    app = open_page("trade_off")
    app.selectbox("price:defence").set_value("mixup").run()
    next(button for button in app.button if button.label == "Price it").click().run()
    assert [error.value for error in app.error] == ["Mixing needs at least two images in the batch; add one."]


def test_an_old_link_says_that_it_is_gone(service: Service, open_page: Open) -> None:
    app = linked(open_page, "0123456789ab")
    assert [warning.value for warning in app.warning] == ["This link's trade-off is no longer stored."]
