"""Forks as the Lab and the server know them: the guess that they begin with, their parent, and what they refuse."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image

from gradleak_core.runs.service import Service
from pages._parts.pictures import from_bytes
from tests.pages.conftest import Open, view
from tests.runs.serving import until


def pixels(service: Service, run: str, iteration: int) -> list[int]:
    return np.asarray(Image.open(io.BytesIO(service.picture(run, iteration)))).ravel().tolist()


def test_a_fork_begins_at_its_parents_picture_and_names_it(service: Service, full: list[str], open_page: Open) -> None:
    app = open_page("lab", run=full[0]).run()
    parent = view(app)["experiment"]
    app = open_page("lab", **{"attack.steps": "5", "seed": "4", "fork": f"{full[0]}@3"})
    assert not app.exception
    assert view(app)["refused"] is None
    assert view(app)["start"] == {"run": full[0], "iteration": 3}
    assert app.button("show-parent").label == "the second"
    given = [json.loads(component.proto.json)[0] for component in app.get("bidi_component")]
    assert from_bytes(service.picture(full[0], 3)) in [data.get("source") for data in given]
    fork = service.submit(view(app)["experiment"])
    until(lambda: service.run(fork)["result"])
    assert service.run(fork)["result"]["experiment"]["fork"] == f"{full[0]}@3"
    assert pixels(service, fork, 1) == pixels(service, full[0], 3)
    assert service.run(fork)["name"].endswith("fork at 3")
    app.button("show-parent").click().run()
    assert view(app)["experiment"] == parent


def test_a_comparison_says_that_a_fork_has_a_head_start(service: Service, full: list[str], open_page: Open) -> None:
    experiment = service.run(full[0])["experiment"] | {"fork": f"{full[0]}@3", "seed": 4}
    runs = [full[0], service.submit(experiment), service.submit(experiment | {"seed": 5}, "a name")]
    until(lambda: all(row["result"] for row in service.runs()))
    title = service.run(runs[1])["name"].removesuffix(" · fork at 3")
    names = ["the second", f"{title} (goes on from iteration 3)", "a name (goes on from iteration 3)"]
    app = open_page("runs")
    app.query_params["compare"] = runs
    app.run()
    assert view(app)["shown"]["names"] == names
    app.segmented_control("segment:as").set_value("curves").run()
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [line["name"] for line in drawn["data"]] == [f"{number} {name}" for number, name in enumerate(names, 1)]


def test_what_cannot_be_forked_is_refused_with_a_way_out(service: Service, full: list[str], open_page: Open) -> None:
    for query, said in (
        ({"fork": f"{full[0]}@3", "image": "sample:coffee"}, "A fork keeps the pictures"),
        ({"fork": f"{full[0]}@77"}, "No picture of iteration 77 was kept"),
        ({"fork": "0123456789ab@3"}, "was deleted"),
        ({"fork": "x"}, "run@iteration"),
    ):
        app = open_page("lab", **query)
        assert not app.exception
        assert said in view(app)["refused"]
        assert view(app)["fixes"] == ["Begin afresh"]
        assert view(app)["start"] is None


def test_labels_that_are_read_off_a_hidden_classifier_are_refused_at_once(service: Service, open_page: Open) -> None:
    app = open_page("lab", **{"threat.hidden": "classifier.*"})
    assert "the update of the classifier, which is hidden" in view(app)["refused"]
    assert {"Show every layer", "Tell the labels"} <= {*view(app)["fixes"]}
