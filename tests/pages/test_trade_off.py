"""Pricing a defence from its page, with the real command in the background."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.config import knobs
from gradleak_core.config.admission import admit
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.service import NotReady, Service
from gradleak_core.verdicts import SEEN
from pages._parts import recorded
from pages._parts.texts import segment
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


def chart(app: AppTest, key: str = "price-chart") -> str:
    """The figure of this key, as SVG."""
    return next(
        json.loads(figure.proto.json)[0]["svg"] for figure in app.get("bidi_component") if key in figure.proto.id
    )


def dots(drawn: str) -> list[str]:
    """What each dot of a chart says of itself."""
    return re.findall(r"<title>([^<]*): accuracy", drawn)


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
    drawn, points = chart(fresh), service.price(name)["points"]
    assert sorted(dots(drawn)) == ["0.5", "0.7", "No defence"]
    for point in points:
        assert point["pictures"][0] in drawn
        assert f"accuracy {point['accuracy']:.1%}" in drawn
    [rows] = [element.value for element in fresh.markdown if element.value.startswith("|")]
    assert len(rows.splitlines()) == 2 + 3
    assert f"{points[1]['accuracy']:.1%}" in rows
    assert re.search(r"It took [\d.]+ (s|min)", words(fresh))
    fresh.segmented_control("price:measure").set_value("SSIM").run()
    assert "Leakage: SSIM" in chart(fresh)
    again = expectation(service, quick)
    assert again == pytest.approx(service.price(name)["seconds"])


def expectation(service: Service, experiment: Any) -> float | None:
    """How long the price of the first test is expected to take."""
    return service.prices.expected(experiment | {"seed": 5}, {"data": "digits", "rounds": 3}, 2)


POINT: Any = {"defences": [], "accuracy": 0.5, "psnr": 20.0, "ssim": 0.5}


def stored(service: Service, quick: Any, **head: Any) -> str:
    """The name of a price that is kept as a file."""
    other = POINT | {"defences": [{"kind": "sign"}], "psnr": 10.0}
    value = {"status": "done", "message": None, "note": None, "points": [POINT, other], "planned": 2,
             "experiment": quick, "federation": {"data": "digits", "rounds": 3}} | head  # fmt: skip
    service.prices.folder.mkdir(exist_ok=True)
    for suffix, text in ((".json", json.dumps(value)), (".log", "")):
        (service.prices.folder / ("0" * 12 + suffix)).write_text(text, encoding="utf-8")
    return "0" * 12


def test_a_price_of_an_older_version_shows_without_its_pictures(service: Service, quick: Any, open_page: Open) -> None:
    app = linked(open_page, stored(service, quick))
    assert not app.exception
    assert "Leakage: PSNR" in chart(app)
    assert "<image" not in chart(app)


def test_what_was_stopped_half_way_is_no_dot_of_the_chart(service: Service, quick: Any, open_page: Open) -> None:
    draft = POINT | {"defences": [{"kind": "sign"}], "accuracy": 0.1, "rounds": 1, "iteration": 4}
    app = linked(open_page, stored(service, quick, status="stopped", draft=draft))
    assert not app.exception
    assert "hollow" not in words(app)


KEPT = recorded.read_recorded()


def test_every_defence_has_a_recorded_curve_of_strengths_that_can_be_chosen(service: Service, open_page: Open) -> None:
    app, rows = open_page("trade_off"), service.catalogue()["families"]["defences"]
    assert app.selectbox("curve").options == [row["title"] for row in rows.values()]
    for kind in ("dropout", "precode"):
        app.selectbox("curve").set_value(kind).run()
        assert not app.exception
        for strength in app.select_slider(f"strength:{kind}").options:
            app.select_slider(f"strength:{kind}").set_value(strength).run()
            point = next(point for point in recorded.stops(KEPT, kind) if recorded.strength(point) == strength)
            assert f">{sum(point['accuracy']) / 3:.1%}<" in shown(app)
            assert any(f">{word}<" in shown(app) for word in SEEN)
            assert all(picture in shown(app) for leak in point["leaks"].values() for picture in leak["pictures"])


def test_the_slider_runs_as_the_chart_does(service: Service, open_page: Open) -> None:
    app = open_page("trade_off")
    assert app.select_slider("strength:gaussian_noise").options == ["1", "0.3", "0.1", "0.01", "0.001", "off"]
    assert app.select_slider("strength:gaussian_noise").value == "0.01"
    assert "picture: the middle one" in shown(app)
    places = []
    for strength in app.select_slider("strength:gaussian_noise").options:
        app.select_slider("strength:gaussian_noise").set_value(strength).run()
        [ring] = re.findall(r'<circle r="14" fill="none" cx="([\d.]+)"', chart(app, "curve-chart"))
        places.append(float(ring))
    assert places == sorted(places)


@pytest.mark.parametrize("kind", [kind for kind in KEPT["curves"] if not KEPT["curves"][kind]["knob"]])
def test_a_defence_without_a_knob_is_switched_off_and_on(service: Service, open_page: Open, kind: str) -> None:
    app = open_page("trade_off")
    app.selectbox("curve").set_value(kind).run()
    control = app.segmented_control(f"strength:{kind}")
    assert (control.options, control.value) == ([segment("on"), segment("off")], "on")
    bare, defended = recorded.stops(KEPT, kind)
    for state, point in (("off", bare), ("on", defended)):
        app.segmented_control(f"strength:{kind}").set_value(state).run()
        assert not app.exception
        assert f">{sum(point['accuracy']) / 3:.1%}<" in shown(app)


def test_the_axes_are_the_same_for_every_defence(service: Service, open_page: Open) -> None:
    app, axes = open_page("trade_off"), set()
    for kind in KEPT["curves"]:
        app.selectbox("curve").set_value(kind).run()
        axes.add(tuple(re.findall(r'<text x="([^"]*)" y="([^"]*)"[^>]*>(\d+%|[a-z ]+)<', chart(app, "curve-chart"))))
    assert len({tuple(row for row in one if row[2] in SEEN or row[2].endswith("%")) for one in axes}) == 1


def test_the_headline_names_the_attack_that_it_is_about(service: Service, open_page: Open) -> None:
    app = open_page("trade_off")
    app.selectbox("curve").set_value("dropout").run()
    assert ">Seen by Dropout Inversion<" in shown(app)
    app.select_slider("strength:dropout").set_value("0.9").run()
    assert ">Seen by Inverting Gradients<" in shown(app)


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ((0.9, 0.92), "1.0 points above no defence, within the error bars."),
        ((0.86, 0.87), "3.5 points below no defence, beyond the error bars."),
    ],
)
def test_what_the_error_bars_cover_is_no_gain(mine: tuple[float, ...], said: str) -> None:
    bare = {"accuracy": [0.88, 0.92]}
    assert recorded.cost({"accuracy": mine}, bare) == said
    assert recorded.cost(bare, bare) == "No defence: the accuracy to compare with."


def shown(app: AppTest) -> str:
    """All HTML on the page."""
    return " ".join(block.proto.body for block in app.get("html"))


@pytest.mark.parametrize("kind", KEPT["curves"])
def test_a_recorded_curve_is_of_a_defence_of_today_and_says_how_it_was_measured(service: Service, kind: str) -> None:
    curve = KEPT["curves"][kind]
    for point in curve["points"]:
        experiment = KEPT["experiment"] | {
            "images": ["sample:astronaut"] * curve["batch"],
            "defences": point["defences"],
        }
        assert admit(experiment, service.catalogue(), service.folder)["defences"] == point["defences"]
        assert len(point["accuracy"]) == 3
        assert all(len(leak["pictures"]) == len(leak["likeness"]) == 3 for leak in point["leaks"].values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", curve["date"])


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


def test_one_that_is_there_can_be_deleted(service: Service, quick: Any, open_page: Open) -> None:
    name = service.start_price(quick, [knobs.defence("sign", service.catalogue())], {"rounds": 2000})
    service.stop_price(name)
    app = linked(open_page, name)
    app.button(f"delete-price:{name}").click().run()
    assert not app.exception
    assert "no longer stored" not in words(app)
    with pytest.raises(NoRun):
        service.price(name)


def test_a_second_one_is_refused_while_the_first_goes_on(service: Service, quick: Any, open_page: Open) -> None:
    known = service.catalogue()
    name = service.start_price(quick, [knobs.defence("sign", known)], {"rounds": 2000})
    app = open_page("trade_off")
    app.session_state["setup"] = quick
    app.run()
    next(button for button in app.button if button.label == "Price it").click().run()
    assert [error.value for error in app.error] == ["Another price is being worked out; wait for it or stop it."]
    service.stop_price(name)


def test_to_stop_what_has_ended_meanwhile_is_no_error(service: Service, quick: Any, open_page: Open) -> None:
    name = service.start_price(quick, [knobs.defence("sign", service.catalogue())], {"rounds": 2000})
    app = linked(open_page, name)
    service.stop_price(name)
    app.button("stop-price").click().run()
    assert not app.exception
    assert not app.error
    assert "Stopped by you" in words(app.run())


def test_an_engine_that_is_not_ready_is_said_in_a_sentence(
    service: Service, quick: Any, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("trade_off")
    app.session_state["setup"] = quick
    app.run()

    def late(*_: Any) -> str:
        raise NotReady("The engine is still starting.")

    monkeypatch.setattr(service, "start_price", late)
    next(button for button in app.button if button.label == "Price it").click().run()
    assert [error.value for error in app.error] == ["The engine is still starting."]
    assert not app.exception


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
