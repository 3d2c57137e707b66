"""Races in the Lab and on the page of runs: links, lanes, presets and cards."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.runs.races import list_races, submit_race
from gradleak_core.runs.service import Service
from gradleak_core.runs.several import tag_run
from gradleak_core.verdicts import SEEN
from pages._parts.lanes import in_decibels
from pages._parts.race import numbers
from tests.pages.conftest import Open, view, warnings
from tests.runs.serving import until


def names(app: AppTest) -> list[str]:
    found: list[str] = view(app)["race"]["names"]
    return found


def short_race(service: Service) -> Any:
    first = copy.deepcopy(service.catalogue()["experiment"]["default"])
    first["attack"] |= {"steps": 3}
    noise = service.catalogue()["families"]["defences"]["gaussian_noise"]["default"]
    race = submit_race(service, {"lanes": [first, first | {"defences": [noise]}], "title": "a *race*"})
    until(lambda: all(row["result"] for row in service.runs()))
    return race


def scored(psnr: float, likeness: float, **more: float) -> Any:
    floor = {"grey": {"psnr": 11.3}, "mean": {"psnr": 10.9}, "other": {}}
    return {"result": {"metrics": {"psnr": psnr, "likeness": likeness, **more}, "floor": floor}}


@pytest.mark.parametrize(
    ("first", "row", "said"),
    [
        (scored(5.2, 0.25), scored(5.5, 0.29), "nothing comes back either way"),
        (scored(5.2, 0.4), scored(5.5, 0.29), "below the floor either way"),
        (scored(5.2, 0.25), scored(15.5, 0.6), "10.3 dB better"),
        (scored(30, 0.95), scored(24.5, 0.9), "5.5 dB worse"),
        (scored(30, 0.95), scored(30.01, 0.95), "as good"),
        ({"result": None}, scored(30, 0.95), ""),
    ],
)
def test_kinds_of_noise_have_no_price(first: Any, row: Any, said: str) -> None:
    assert in_decibels(first, row) == said


def test_the_numbers_of_a_race_are_written_as_in_the_view(service: Service) -> None:
    row = scored(
        12.345, SEEN["recognisable"] - 1e-4, mse=3.8e-8, rmse=0.0019, ssim=0.456, label_accuracy=1.0, distance=18760.0
    )
    row |= {"experiment": {"attack": {}, "images": ["sample:coin"]}, "status": "done", "iteration": 3000}
    found = {line[0]: line[1] for line in numbers([row])}
    assert found == {
        "MSE": "3.8 × 10⁻⁸", "RMSE": "0.0019", "PSNR (dB)": "12.3", "SSIM": "0.46",
        "Likeness": f"{SEEN['recognisable'] - 0.01:.2f}",
        "Label accuracy": "100 %", "Distance": "18,800", "Ended": "finished", "Iterations": "3,000", "Time": "none",
    }  # fmt: skip


def test_lanes_of_other_lengths_say_so_above_the_pictures(service: Service, open_page: Open) -> None:
    app = open_page("lab", lane=["attack=inverting_gradients", "attack=dlg"], **{"attack.steps": "200"})
    steps = [f"{lane['attack']['steps']:,}" for lane in view(app)["race"]["lanes"]]
    assert len(set(steps)) > 1
    assert view(app)["shared"].endswith(f" Iterations lane by lane: {'; '.join(steps)}.")
    assert "lane by lane" not in view(open_page("lab", lane=["defence=pruning"]))["shared"]


def test_a_link_with_lanes_sets_up_a_race_that_goes_with_the_set_up(service: Service, open_page: Open) -> None:
    app = open_page("lab", lane=["defence=gaussian_noise:std=0.02", "attack=dlg"])
    assert names(app) == ["no defence, iDLG", "Gaussian noise (std 0.02), iDLG", "no defence, DLG"]
    assert view(app)["refused"] is None
    app.number_input("knob:seed").set_value(5).run()
    assert [lane["seed"] for lane in view(app)["race"]["lanes"]] == [5, 5, 5]
    assert app.query_params["lane"] == ["defence=gaussian_noise:std=0.02", "attack=dlg"]


def test_a_lane_that_makes_no_sense_is_left_out_and_said(service: Service, open_page: Open) -> None:
    app = open_page("lab", lane=["defence=pruning", "defence=wall", "defence=none"])
    assert names(app) == ["no defence", "Pruning (share 0.9)"]
    assert warnings(app)[0].count("A lane is left out: ") == 2


def test_a_lane_is_added_and_taken_out(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.selectbox("lane-defence").set_value("dropout").run()
    app.button("add-lane").click().run()
    assert names(app) == ["no defence", "Dropout (p 0.25)"]
    app.button("lane:defence=dropout").click().run()
    assert "run" in view(app)


def test_a_sweep_makes_a_lane_of_each_value(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.selectbox("sweep").set_value("attack.steps").run()
    app.text_input("sweep-values:attack.steps").set_value("10, 20, 40").run()
    app.button("do-sweep").click().run()
    assert names(app) == ["Iterations 10", "Iterations 20", "Iterations 40"]
    assert app.query_params["attack.steps"] == "10"


def test_a_sweep_takes_the_values_that_come_with_the_press(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.selectbox("sweep").set_value("attack.steps").run()
    app.text_input("sweep-values:attack.steps").set_value("10, 20")
    app.button("do-sweep").click().run()
    assert names(app) == ["Iterations 10", "Iterations 20"]


def test_a_refused_sweep_names_the_knob_as_its_form_does(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    app.selectbox("sweep").set_value("attack.restarts").run()
    app.text_input("sweep-values:attack.restarts").set_value("1, 0").run()
    app.button("do-sweep").click().run()
    app.selectbox("lane-defence").set_value("dropout").run()
    assert app.error[0].value.startswith("Restarts must lie ")
    app.text_input("sweep-values:attack.restarts").set_value("1").run()
    app.button("do-sweep").click().run()
    assert "would have 1" in app.error[0].value
    app.selectbox("sweep").set_value("attack.steps").run()
    assert not app.error  # which was of another knob


def test_an_attack_of_another_length_says_so_before_it_is_added(service: Service, open_page: Open) -> None:
    app = open_page("lab", **{"attack.steps": "200"})
    app.segmented_control("lane-what").set_value("Attack").run()
    app.selectbox("lane-attack").set_value("dlg").run()
    said = [element.value for element in app.markdown if "iterations by itself" in element.value]
    assert said == [":small[DLG takes 3,000 iterations by itself; the set-up takes 200.]"]


def test_a_refused_lane_says_so_where_it_was_asked_for(service: Service, open_page: Open) -> None:
    app = open_page("lab", defence="dropout")
    app.selectbox("lane-defence").set_value("dropout").run()
    app.button("add-lane").click().run()
    app.button("add-lane").click().run()
    assert len(app.error) == 1
    app.selectbox("lane-defence").set_value("pruning").run()
    assert not app.error
    app.button("add-lane").click().run()
    assert not app.error


def test_one_button_races_what_the_attacker_is_assumed_to_know(service: Service, open_page: Open) -> None:
    app = open_page("lab", attack="dropout_inversion", model="mlp", defence="dropout")
    app.button("assumptions").click().run()
    assert names(app)[:5] == [
        "the set-up",
        "Labels: Row sum",
        "Randomness: Told the masks and noise",
        "Hidden layers: linear1.*",
        "Hidden layers: classifier.*",
    ]
    assert view(app)["refused"] is None
    realism = next(element.value for element in app.markdown if element.value.startswith("| Lane |"))
    assert len(realism.splitlines()) == 2 + 5
    has = [line.split(" | ")[2] for line in realism.splitlines()[2:]]
    assert has[:4] == [
        "–",
        "–",
        "the updates alone",
        "the updates alone",
    ]  # labels, masks, the first layer and the last


def test_a_lane_that_cannot_run_is_named(service: Service, open_page: Open) -> None:
    app = open_page("lab", image=["sample:astronaut", "sample:rocket"], lane=["defence=dropout&attack=dropout_readoff"])
    assert view(app)["refused"].startswith("Lane 2: ")


def test_a_lane_that_stands_twice_is_one_and_a_fork_of_nothing_is_refused(service: Service, open_page: Open) -> None:
    app = open_page("lab", lane=["attack=dlg", "attack=dlg"], fork="000000000000@5")
    assert not app.exception
    assert len(names(app)) == 2
    assert view(app)["refused"].startswith("Lane 1: The run that this one goes on from ")


def test_a_preset_with_its_break_is_a_race(service: Service, open_page: Open) -> None:
    app = open_page("lab")
    for name, first in (("dropout_readoff", "dropout_readoff"), ("precode_noise", "precode_noise")):
        app.button(f"preset:{name}").click().run()
        lanes = view(app)["race"]["lanes"]
        assert lanes[0]["attack"]["name"] == first
        assert [bool(lane["defences"]) for lane in lanes] == [True, True, False]
        assert view(app)["refused"] is None


def test_the_link_of_a_stored_race_repeats_it(service: Service, open_page: Open) -> None:
    race = short_race(service)
    app = open_page("lab", race=race["id"])
    assert view(app)["shown"]["runs"] == [lane["id"] for lane in race["lanes"]]
    assert view(app)["race"]["lanes"] == [lane["experiment"] for lane in race["lanes"]]
    again = open_page("lab", **{name: app.query_params[name] for name in app.query_params if name != "race"})
    assert view(again)["race"] == view(app)["race"]
    assert view(again)["shown"] is None


def test_a_watch_only_link_shows_the_race_alone(service: Service, open_page: Open) -> None:
    race = short_race(service)
    app = open_page("lab", race=race["id"], watch="1")
    assert view(app)["shown"]["runs"] == [lane["id"] for lane in race["lanes"]]
    assert (view(app)["race"], view(app)["compact"]) == (None, True)
    assert view(app)["shared"].startswith("In all lanes: astronaut, 32 × 32, LeNet, iDLG, 3 iterations")
    assert not app.button
    gone = open_page("lab", race="0123456789ab", watch="1")
    assert "race is not stored here" in warnings(gone)[0]


def test_a_race_is_one_card_that_opens_in_the_lab_and_goes_as_one(service: Service, open_page: Open) -> None:
    race = short_race(service)
    for lane, first in zip(race["lanes"], (0, 5), strict=False):
        tag_run(service, lane["id"], [f"tag {number}" for number in range(first, first + 5)])
    app = open_page("runs")
    assert not app.exception
    assert any("**a \\*race\\***" in element.value for element in app.markdown)
    app.text_input(f"name:{race['id']}").set_value("better").run()
    assert [found["title"] for found in list_races(service)] == ["better"]
    app.button(f"delete:{race['id']}").click().run()
    assert service.runs()
    app.button("really-delete").click().run()
    assert service.runs() == []
