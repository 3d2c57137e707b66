"""Links that teach, on the real pages: what is hidden is not there, what is locked cannot be changed by any way."""

from __future__ import annotations

import copy
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.config import knobs
from gradleak_core.config.teaching import STATIONS, Teaching
from gradleak_core.runs.service import Service
from tests.pages.conftest import Open, field, view, views, warnings
from tests.pages.test_lab import address, words
from tests.runs.serving import until

STAYS = "What is locked or hidden here stays as it is."


def labels(app: AppTest) -> str:
    return " ".join(popover.proto.popover.label for popover in app.get("popover"))


def keys(app: AppTest) -> set[str]:
    """The keys of everything that can be pressed, chosen or typed in."""
    kinds = ("button", "selectbox", "number_input", "multiselect", "toggle", "text_input", "select_slider")
    return {str(one.key).partition("~")[0] for kind in kinds for one in app.get(kind) if one.key}


def enabled(app: AppTest, paths: tuple[str, ...]) -> set[str]:
    kinds = ("selectbox", "number_input", "multiselect", "toggle", "text_input", "select_slider", "button_group")
    found = {str(one.key).partition("~")[0]: one for kind in kinds for one in app.get(kind) if one.key}
    open_ones = {key for key, one in found.items() if not one.proto.disabled}
    return {key for key in open_ones if any(f"{key}.".startswith(f"knob:{path}.") for path in paths)}


@pytest.mark.parametrize("station", STATIONS)
def test_a_station_that_is_hidden_is_not_there(station: str, service: Service, open_page: Open) -> None:
    assert f"**{station.capitalize()}**" in labels(open_page("lab"))
    app = open_page("lab", hide=station)
    assert not app.exception
    assert f"**{station.capitalize()}**" not in labels(app)


@pytest.mark.parametrize("station", STATIONS)
def test_a_station_that_is_locked_can_be_read_and_not_changed(station: str, service: Service, open_page: Open) -> None:
    app = open_page("lab", lock=station, defence="gaussian_noise")
    assert not app.exception
    assert f"**{station.capitalize()} :material/lock:**" in labels(app)
    assert "This is locked here." in words(app)
    assert enabled(app, STATIONS[station]) == set()
    if station == "defence":
        assert all(app.button(key).disabled for key in ("up:0", "down:0", "remove:0"))
        assert app.selectbox("add-defence").disabled
    if station == "picture":
        assert app.button("choose-images").disabled


def test_a_knob_is_hidden_or_locked_by_its_path(service: Service, open_page: Open) -> None:
    app = open_page("lab", hide="seed,attack.distance", lock="attack.steps")
    assert not app.exception
    assert "knob:seed" not in keys(app)
    assert "knob:attack.distance" not in keys(app)
    assert field(app.number_input, "knob:attack.steps").disabled
    assert not field(app.number_input, "knob:attack.restarts").disabled
    assert "This is locked here." in words(app)


def test_a_preset_whose_defence_or_attack_is_locked_cannot_be_pressed(service: Service, open_page: Open) -> None:
    presets = service.catalogue()["presets"]
    bare = next(one for one in presets if not one["experiment"]["defences"])
    defended = next(one for one in presets if one["experiment"]["defences"])
    app = open_page("lab", lock="defence")
    assert not app.button(f"preset:{bare['name']}").disabled
    button = app.button(f"preset:{defended['name']}")
    assert (button.disabled, button.help) == (True, STAYS)
    others = {one["experiment"]["attack"]["kind"]: one["name"] for one in presets}
    app = open_page("lab", hide="attacker")
    now = app.session_state["setup"]["attack"]["kind"]
    assert all(app.button(f"preset:{name}").disabled for kind, name in others.items() if kind != now)


def test_a_preset_changes_nothing_that_is_locked(service: Service, open_page: Open) -> None:
    app = open_page("lab", lock="model,seed", seed="7", model="mlp")
    other = next(one for one in service.catalogue()["presets"] if one["experiment"]["model"]["kind"] != "mlp")
    app.button(f"preset:{other['name']}").click().run()
    now = app.session_state["setup"]
    assert (now["seed"], now["model"]["kind"]) == (7, "mlp")
    assert now["attack"] == other["experiment"]["attack"]
    assert STAYS in warnings(app)
    assert address(app)["lock"] == "model,seed"


def test_presets_and_the_race_menu_can_be_hidden_and_locked(service: Service, open_page: Open) -> None:
    app = open_page("lab", hide="presets,race")
    assert not any(key.startswith("preset:") for key in keys(app))
    assert "Make it a race" not in labels(app)
    app = open_page("lab", lock="presets,race")
    assert all(button.disabled for button in app.button if str(button.key).startswith("preset:"))
    assert next(one for one in app.get("popover") if "race" in one.proto.popover.label).proto.popover.disabled


def test_a_lane_and_a_sweep_change_nothing_that_is_locked(service: Service, open_page: Open) -> None:
    app = open_page("lab", lock="defence")
    app.button("add-lane").click().run()
    assert app.session_state["setup"]["defences"] == []
    assert app.session_state["lanes"] == []
    assert [error.value for error in app.error] == [STAYS.replace(".", "\\.")]


def test_a_dropped_sheet_and_a_dropped_picture_change_nothing_that_is_locked(
    service: Service, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages._parts import dropped

    state = {"teaching": Teaching(locked=frozenset({"picture", "attack"}))}
    state["setup"] = knobs.start(service.catalogue())
    monkeypatch.setattr("streamlit.session_state", state)
    sheet = copy.deepcopy(state["setup"]) | {"seed": 9, "images": ["sample:coffee"]}
    sheet["attack"]["steps"] = 5
    dropped.take_dropped(json.dumps({"setup": sheet}))
    assert state["setup"]["seed"] == 9
    assert state["setup"]["images"] == knobs.start(service.catalogue())["images"]
    assert state["setup"]["attack"] == knobs.start(service.catalogue())["attack"]
    dropped.take_dropped(json.dumps({"image": "sample:coffee"}))
    assert state["setup"]["images"] == knobs.start(service.catalogue())["images"]


def test_a_mend_and_a_fix_that_change_what_is_locked_are_not_offered(service: Service, open_page: Open) -> None:
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"])
    experiment["attack"] |= {"steps": 3}
    noise = knobs.defence("gaussian_noise:std=1", service.catalogue())
    run = service.submit(experiment | {"defences": [noise]}, "the failed one")
    until(lambda: service.run(run)["result"])
    assert view(open_page("lab", run=run))["mend"]
    app = open_page("lab", run=run, lock="defence")
    assert view(app)["mend"] == ""
    assert app.button("mend").disabled
    refused = {"defence": "precode", "model": "mlp", "threat.hidden": "*"}
    assert "Show every layer" in view(open_page("lab", **refused))["fixes"]
    assert "Show every layer" not in view(open_page("lab", **refused, lock="wire"))["fixes"]


def test_the_private_picture_is_kept_back_and_so_is_what_would_tell_it(service: Service, open_page: Open) -> None:
    app = open_page("lab", hide="truth", image="sample:coffee")
    assert not app.exception
    assert view(app)["preview"] is None
    assert "truth" in view(app)["hidden"]
    assert "Picture" not in labels(app)


def test_a_run_is_shown_first_at_the_moment_of_its_link_and_only_that_run(
    full: list[str], service: Service, open_page: Open
) -> None:
    app = open_page("lab", run=full[0], at="2", hide="charts")
    assert (view(app)["run"], view(app)["at"], view(app)["hidden"]) == (full[0], 2, ["charts"])
    assert address(app)["at"] == "2"
    assert address(app)["hide"] == "charts"
    app.session_state["run"] = full[1]
    app.run()
    assert view(app)["at"] is None
    assert "at" not in address(app)
    assert address(app)["hide"] == "charts"


def test_a_watched_run_starts_at_the_moment_of_its_link_too(full: list[str], open_page: Open) -> None:
    app = open_page("lab", run=full[0], at="2", watch="1", hide="scores")
    assert (view(app)["at"], view(app)["hidden"], view(app)["compact"]) == (2, ["scores"], True)


def test_a_page_in_a_frame_has_no_menu_and_no_sidebar(service: Service, open_page: Open) -> None:
    app = open_page("lab", embed="1", hide="model")
    assert not app.exception
    assert app.sidebar.children == {}
    assert any("stHeader" in html.proto.body for html in app.get("html"))
    assert "embed" not in app.query_params or app.query_params["embed"] in ("1", ["1"])


def test_bad_names_are_said_once_and_the_rest_is_used(service: Service, open_page: Open) -> None:
    app = open_page("lab", hide="modle,wire")
    assert warnings(app) == ["This link cannot hide 'modle'; did you mean model?"]
    assert "**Wire**" not in labels(app)
    assert address(app) == {"hide": "wire"}


def test_bad_names_are_said_on_a_page_that_only_watches(full: list[str], open_page: Open) -> None:
    app = open_page("lab", run=full[0], watch="1", lock="nonsense")
    assert any("This link cannot lock" in said for said in warnings(app))


def test_a_lesson_or_the_host_can_set_it_for_the_session(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.session_state["teaching"] = Teaching(hidden=frozenset({"model", "tiles"}), locked=frozenset({"downloads"}))
    app.run()
    assert "**Model**" not in labels(app)
    assert view(app)["hidden"] == ["tiles"]
    assert view(app)["locked"] == ["downloads", "tiles"]
    assert address(app)["hide"] == "model,tiles"


def test_a_race_obeys_too(service: Service, open_page: Open) -> None:
    app = open_page("lab", lane="defence=clipping", hide="truth,charts")
    given = next(views(app))
    assert given["preview"] is None
    assert given["hidden"] == ["charts", "truth"]


def test_a_form_makes_the_link_and_the_link_does_what_was_ticked(
    full: list[str], service: Service, open_page: Open
) -> None:
    app = open_page("lab", run=full[0])
    app.session_state["sharing"] = 2
    app.run()
    field(app.get("button_group"), "share-hide").set_value(["model", "charts"])
    field(app.get("button_group"), "share-lock").set_value(["attacker"])
    field(app.multiselect, "share-hide-knobs").set_value(["client.lr"])
    for key in ("share-at", "share-embed"):
        field(app.toggle, key).set_value(True)
    app.run()
    assert not app.exception
    assert "This link opens on this machine only." in words(app)
    link, line = (code.value for code in app.code)
    query = {key: values[-1] for key, values in parse_qs(urlsplit(link).query).items()}
    assert query == {"seed": "2", "attack.steps": "3", "run": full[0], "hide": "charts,client.lr,model",
                     "lock": "attacker", "at": "2", "embed": "1"}  # fmt: skip
    assert line.startswith("<iframe src=")
    opened = open_page("lab", **query)
    assert (view(opened)["run"], view(opened)["at"]) == (full[0], 2)
    assert "**Model**" not in labels(opened)
    assert "knob:client.lr" not in keys(opened)
