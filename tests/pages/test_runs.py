"""The page of runs: what the filter finds, tags, curves on common axes, and several runs deleted at once."""

from __future__ import annotations

import copy
import json

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from gradleak_core.config.knobs import start
from gradleak_core.data.uploads import encode_png
from gradleak_core.runs.races import submit_race
from gradleak_core.runs.service import Service
from gradleak_core.runs.several import clean_tags, tag_run
from gradleak_core.types import Refused
from tests.pages.conftest import Open
from tests.pages.test_lab import address, words
from tests.runs.serving import until


def listed(app: AppTest) -> list[str]:
    """The runs of the cards, in order."""
    assert not app.exception
    return [str(box.key).removeprefix("chosen:") for box in app.checkbox]


def test_the_filter_finds_words_of_titles_and_tags(service: Service, full: list[str], open_page: Open) -> None:
    tag_run(service, full[1], ["Lecture 3"])
    app = open_page("runs")
    for text, found in (("SECOND", full[:1]), ("lecture", full[1:]), ("the", full), ("first lecture", full[1:])):
        app.text_input("q").set_value(text).run()
        assert listed(app) == found, text
    assert "Lecture 3" in words(app)
    app.text_input("q").set_value("nowhere").run()
    assert listed(app) == []
    assert "0 of 2 runs" in words(app)


def test_the_filter_finds_an_own_picture_by_its_name_and_by_its_files(service: Service, open_page: Open) -> None:
    content = encode_png(Image.new("RGB", (20, 20), "navy"))
    image = service.upload(content, "rocket.png")["image"]
    run = service.submit(start(service.catalogue()) | {"images": [image]}, "first")
    app = open_page("runs")
    for text, found in (("rocket", [run]), ("your picture", [run]), ("first", [run]), ("astronaut", [])):
        app.text_input("q").set_value(text).run()
        assert listed(app) == found, text
    assert r"rocket\.png" in words(open_page("runs"))


def test_the_filter_finds_a_status_an_attack_and_a_defence(service: Service, full: list[str], open_page: Open) -> None:
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"])
    experiment["attack"] |= {"steps": 2}
    lanes = [experiment, experiment | {"defences": [{"kind": "sign"}]}]
    race = [row["id"] for row in submit_race(service, {"lanes": lanes})["lanes"]]
    until(lambda: all(row["result"] for row in service.runs()))
    app = open_page("runs")
    app.selectbox("defence").set_value("Sign").run()
    assert listed(app) == race, "a race keeps all of its lanes"
    app.button("choose-all").click().run()
    assert app.session_state["ticked"] == [race[1]]
    app.selectbox("defence").set_value("No defence").run()
    assert listed(app) == [*race, *full]
    assert app.session_state["ticked"] == [race[1]], "a choice is kept while the list is filtered"
    app.selectbox("status").set_value("Finished").run()
    app.selectbox("attack").set_value("iDLG").run()
    assert listed(app) == [*race, *full]
    app.selectbox("status").set_value(None).run()
    app.selectbox("defence").set_value(None).run()
    app.button("choose-all").click().run()
    assert app.session_state["ticked"] == [*race, *full], "all runs are chosen as they are listed"


def test_a_run_that_waits_says_its_place_and_how_long_it_may_wait(service: Service, open_page: Open) -> None:
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"])
    experiment["attack"] |= {"steps": 100_000}
    first, second, third = (service.submit(experiment | {"seed": seed}) for seed in range(3))
    until(lambda: service.run(first)["status"] == "running")
    said = words(open_page("runs"))
    for row in (service.run(second), service.run(third)):
        assert row["queue_seconds"] >= 1
    assert "next in line, about " in said
    assert "2nd in line, about " in said


def test_runs_are_tagged_one_by_one_and_together(service: Service, full: list[str], open_page: Open) -> None:
    tag_run(service, full[1], ["lecture"])
    app = open_page("runs")
    app.multiselect(f"tags:{full[0]}").set_value(["noise"]).run()
    assert service.run(full[0])["tags"] == ["noise"]
    app.button("choose-all").click().run()
    app.selectbox("tag").set_value("lecture").run()
    app.button("add-tag").click().run()
    assert [row["tags"] for row in service.runs()] == [["noise", "lecture"], ["lecture"]]
    app.selectbox("tag").set_value("noise").run()
    app.button("remove-tag").click().run()
    assert [row["tags"] for row in service.runs()] == [["lecture"]] * 2
    app.multiselect(f"tags:{full[0]}").set_value(["x" * 25]).run()
    assert [row["tags"] for row in service.runs()] == [["lecture"]] * 2
    assert "too long" in app.error[0].value
    app.multiselect(f"tags:{full[0]}").set_value(["lecture", "new"]).run()
    assert not app.error


def test_each_lane_of_a_race_keeps_the_tags_that_were_not_touched(service: Service, open_page: Open) -> None:
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"])
    experiment["attack"] |= {"steps": 2}
    race = submit_race(service, {"lanes": [experiment, experiment | {"seed": 7}]})
    first, second = (row["id"] for row in race["lanes"])
    tag_run(service, first, ["slow", "lecture"])
    tag_run(service, second, ["fast"])
    app = open_page("runs")
    app.multiselect(f"tags:{race['id']}").set_value(["fast", "lecture", "new", "slow"]).run()
    assert [service.run(run)["tags"] for run in (first, second)] == [["slow", "lecture", "new"], ["fast", "new"]]
    app.multiselect(f"tags:{race['id']}").set_value(["fast", "new", "slow"]).run()
    assert [service.run(run)["tags"] for run in (first, second)] == [["slow", "new"], ["fast", "new"]]
    app.multiselect(f"tags:{race['id']}").set_value(["fast", "new", "slow", "x" * 25]).run()
    assert [service.run(run)["tags"] for run in (first, second)] == [["slow", "new"], ["fast", "new"]]


@pytest.mark.parametrize("tags", ["a", None, [1], [" "], ["a\u202eb"], ["x" * 25], [str(n) for n in range(9)]])
def test_a_tag_is_a_short_text(tags: object) -> None:
    with pytest.raises(Refused):
        clean_tags(tags)


def test_tags_that_differ_in_case_are_one() -> None:
    assert clean_tags([" My  tag", "my tag", "other"]) == ["My tag", "other"]


def test_any_number_of_runs_are_drawn_on_common_axes_and_the_address_says_how(
    service: Service, full: list[str], open_page: Open
) -> None:
    app = open_page("runs")
    for key, value in {"compare": full, "as": "curves", "up": "distance"}.items():
        app.query_params[key] = value
    app.run()
    app.segmented_control("segment:over").set_value("seconds").run()
    assert address(app)["over"] == "seconds"
    assert not app.exception
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [line["name"] for line in drawn["data"]] == ["1 the second", "2 the *first*"]
    assert drawn["layout"]["yaxis"]["type"] == "log"
    for line, run in zip(drawn["data"], full, strict=True):
        assert line["y"][-1] == service.run(run)["result"]["metrics"]["distance"]
        assert line["x"] == sorted(line["x"])
    table = next(element.value for element in app.markdown if element.value.startswith("|"))
    assert table.splitlines()[0].startswith("| Run | Seed | Seen | Likeness |")


def test_several_runs_are_deleted_after_one_question(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    assert app.button("delete-chosen").disabled
    app.button("choose-all").click().run()
    app.button("delete-chosen").click().run()
    assert "**2 runs** and all their pictures" in words(app)
    assert "The filter hides" not in words(app)
    assert len(service.runs()) == 2
    app.button("really-delete-chosen").click().run()
    assert service.runs() == []
    assert "There are no runs yet" in words(app)


def test_runs_that_are_chosen_and_filtered_out_are_counted(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("runs")
    app.button("choose-all").click().run()
    app.text_input("q").set_value("SECOND").run()
    assert "2 runs are chosen. The filter hides 1 of them." in words(app)
