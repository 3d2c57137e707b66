"""What strangers send, in small: a sample of `python -m benchmarks.hostile` on the real engine, and the pages after."""

from __future__ import annotations

import copy
import json
from itertools import islice
from typing import Any

import pytest

from benchmarks.hostile.mutations import experiments
from gradleak_core.runs.service import Service
from tests.pages.conftest import Open, warnings
from tests.runs.serving import Server
from tests.runs.test_damaged import plant

JSON = {"content-type": "application/json"}


def test_mutated_experiments_are_refused_or_run_and_the_lists_answer(server: Server, service: Service) -> None:
    for experiment in islice(experiments(service.catalogue(), seed=2026), 60):
        answer = server.client.post("/api/runs", content=json.dumps({"experiment": experiment}), headers=JSON)
        assert answer.status_code in (201, 413, 422), answer.text
        assert len(answer.content) < 1000
    for path in ("runs", "health", "catalogue"):
        assert server.client.get(f"/api/{path}").status_code == 200


def strange(service: Service) -> Any:
    """An experiment as no form makes it: a recipe of its own, parts named twice, labels beyond the pictures."""
    experiment = copy.deepcopy(service.catalogue()["experiment"]["default"])
    families = service.catalogue()["families"]
    experiment["attack"] |= {
        "name": "of my own",
        "steps": 2,
        "priors": [families["priors"]["total_variation"]["default"]] * 2,
    }
    experiment["defences"] = [families["defences"]["pruning"]["default"]] * 2
    experiment["threat"]["hidden"] = "conv1.*, conv1.*"
    return experiment


def test_a_run_of_a_recipe_of_ones_own_opens_in_the_lab(service: Service, open_page: Open) -> None:
    run = service.submit(strange(service))
    app = open_page("lab", run=run)
    assert warnings(app) == []
    assert next(box for box in app.selectbox if box.label == "Attack").value == "of my own"
    assert warnings(open_page("runs")) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"attack": "nope"}, "Attack 'nope' is not known."),
        ({"attack": '{"kind": "nope"}'}, "'nope' is not one of"),
        ({"attack": '{"kind": ["dlg"]}'}, "is not one of"),
        ({"attack.priors": '[{"kind": "nope"}]'}, "'nope' is not one of"),
        ({"attack.priors": "7"}, "Priors '7' is not known."),
        ({"attack.unknowns": "[]"}, "Unknowns must hold at least one entry"),
        ({"model": '{"kind": "mlp", "init": {"kind": "nope"}}'}, "Weights has no kind 'nope'."),
        ({"images": "7"}, "Pictures must be a list, not 7"),
        ({"labels": '["x"]'}, "labels.0 must be a whole number"),
        ({"client": '{"lr": []}'}, "Learning rate must be a number"),
        ({"threat": '{"hidden": "\\ud800"}'}, "Hidden layers holds characters that cannot be shown"),
        ({"weights": '{"kind": "trained", "dataset": 7}'}, "Data set must be a text"),
        ({"seed": "9" * 4000}, "Seed must lie between"),
        ({"nope" * 2000: "1"}, "has no knob"),
        ({"attack": "[Click here](https://example.org)"}, "Attack must be valid JSON"),
        ({"": "1"}, "has no knob"),
    ],
)
def test_a_link_to_what_is_not_there_opens_with_a_sentence(
    service: Service, open_page: Open, query: dict[str, str], words: str
) -> None:
    (warning,) = warnings(open_page("lab", **query))
    assert words in warning
    assert len(warning) < 400


def test_runs_that_cannot_be_read_are_listed_and_open_with_a_sentence(service: Service, open_page: Open) -> None:
    default = service.catalogue()["experiment"]["default"]
    plant(service.folder, id="bad", experiment="{")
    plant(service.folder, id="gone", experiment=json.dumps(default | {"model": {"kind": "gone"}}))
    app = open_page("runs")
    assert warnings(app) == []
    said = [caption.value for caption in [*app.markdown, *app.caption]]
    assert any("This run is damaged" in text for text in said)
    assert any("model has no kind" in text for text in said)
    for run, words in (("bad", "This run is damaged"), ("gone", "model has no kind 'gone'")):
        (warning,) = warnings(open_page("lab", run=run))
        assert words in warning
    (warning,) = warnings(open_page("lab", run="gone", watch="1"))
    assert "model has no kind 'gone'" in warning
