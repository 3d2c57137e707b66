"""The doctor names the cause of a failure, says what it rests on, and offers only set-ups that can be run."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gradleak_core.catalogue import catalogue
from gradleak_core.config import knobs
from gradleak_core.config.admission import admit
from gradleak_core.doctor import Diagnosis, diagnose
from gradleak_core.evidence import arrange_labels
from gradleak_core.experiment import Summary, load, run
from gradleak_core.types import JSON, Refused

KNOWN = catalogue()
SMALL = {"size": 8, "model": "mlp", "model.width": 16, "model.activation": "tanh", "attack.steps": 30}
"""A network that recovers nothing in so few iterations, so that only the cause decides."""
CONVNET = {"model": "convnet", "model.width": 4, "size": 8, "attack": "inverting_gradients", "attack.steps": 20}
TWO = ["sample:rocket", "sample:brick"]


def set_up(changes: dict[str, Any], images: list[str], *defences: str) -> JSON:
    experiment = knobs.start(KNOWN) | {"images": images}
    for path, value in changes.items():
        experiment = knobs.put(experiment, path, value, KNOWN)
    return experiment | {"defences": [knobs.defence(text, KNOWN) for text in defences]}


def row(experiment: JSON) -> JSON:
    """Plays an experiment, and returns its row as it is stored."""
    loaded = load(experiment)
    summary = Summary(loaded, "cpu")
    try:
        for event in run(loaded):
            summary.add(event, 1.0)
    except Refused as refused:
        return {"status": "refused", "message": str(refused), "experiment": experiment, "result": None}
    result = summary.json()
    return {"status": result["status"], "message": None, "experiment": experiment, "result": result}


def put_all(experiment: JSON, found: Diagnosis) -> JSON:
    assert found.mend is not None
    for path, value in found.mend.changes:
        experiment = knobs.put(experiment, path, value, KNOWN)
    return experiment


FAILURES = [
    ("defence", {"defences": []}, set_up(SMALL, ["sample:coin"], "gaussian_noise:std=1")),
    ("defence", {"attack.stance": "read_off"}, set_up(SMALL, ["sample:coin"], "dropout:p=0.7")),
    ("defence", {"defences": []}, set_up(SMALL, ["sample:coin"], "dropout:p=0.7,place=both")),
    ("defence", {"defences": []}, set_up(SMALL, ["sample:coin"], "input_noise:std=1")),
    (
        "local_steps",
        {"threat.local_steps": "known"},
        set_up(SMALL | {"client.local_epochs": 9, "client.lr": 0.5, "threat.local_steps": "one"}, ["sample:coin"]),
    ),
    ("mode", {"threat.mode": "same"}, set_up(CONVNET | {"client.train": True, "threat.mode": "eval"}, TWO)),
    ("statistics", {"client.train": False}, set_up(CONVNET | {"client.train": True}, TWO)),
    ("hidden", {"threat.hidden": ""}, set_up(SMALL | {"threat.hidden": "linear1.*"}, ["sample:coin"])),
    ("relu", {"attack": "inverting_gradients"}, set_up(SMALL | {"model.activation": "relu"}, ["sample:coin"])),
    ("iterations", {}, set_up(SMALL | {"attack.steps": 4}, ["sample:coin"])),
    ("saturated", {"model.init": "default_init"}, set_up({"size": 64, "channels": 1, "classes": 2}, TWO[:1])),
]


@pytest.mark.parametrize(("cause", "changes", "experiment"), FAILURES, ids=lambda value: str(value)[:20])
def test_a_failure_has_its_cause_and_a_set_up_without_it(cause: str, changes: JSON, experiment: JSON) -> None:
    if cause == "saturated":
        experiment |= {"labels": [1]}
    found = diagnose(row(experiment), KNOWN)
    assert found is not None
    assert found.mend is not None
    assert found.cause == cause
    assert 0 < len(found.title) < 45, "it fits its line"
    assert found.evidence
    assert found.basis.endswith(".")
    assert changes.items() <= dict(found.mend.changes).items()
    assert found.mend.experiment == put_all(experiment, found) == admit(found.mend.experiment, KNOWN)


def test_labels_that_a_rule_misses_are_named() -> None:
    repeated = set_up(SMALL | {"attack.labels": "row_sum"}, ["sample:astronaut", "sample:camera"])
    found = diagnose(row(repeated), KNOWN)
    assert found is not None
    assert found.mend is not None
    assert found.cause == "labels"
    assert found.mend.experiment["attack"]["labels"] == {"kind": "known_labels"}


def test_what_has_succeeded_was_stopped_or_was_never_examined_has_no_diagnosis() -> None:
    failed = row(FAILURES[0][2])
    score = failed["result"]["metrics"]
    assert diagnose(failed | {"result": failed["result"] | {"metrics": score | {"likeness": 0.99}}}, KNOWN) is None
    assert diagnose(failed | {"status": "stopped"}, KNOWN) is None
    assert diagnose(failed | {"result": {k: v for k, v in failed["result"].items() if k != "evidence"}}, KNOWN) is None
    assert (
        diagnose(failed | {"status": "refused", "message": "The toy does not like it.", "result": None}, KNOWN) is None
    )


def test_an_end_that_no_rule_explains_is_called_unknown_and_offers_nothing() -> None:
    failed = row(FAILURES[-2][2])
    evidence = failed["result"]["evidence"] | {"fell": 0.0}
    found = diagnose(failed | {"result": failed["result"] | {"evidence": evidence}}, KNOWN)
    assert found is not None
    assert (found.cause, found.mend) == ("unknown", None)


def test_a_client_whose_loss_grew_comes_before_all_that_follows_from_it() -> None:
    experiment = set_up(SMALL | {"client.local_epochs": 3, "client.lr": 1.0, "threat.local_steps": "one"}, TWO[:1])
    failed = row(experiment)
    evidence = failed["result"]["evidence"] | {"before": 2.3, "after": 5e4}
    found = diagnose(failed | {"result": failed["result"] | {"evidence": evidence}}, KNOWN)
    assert found is not None
    assert found.mend is not None
    assert found.cause == "client_divergence"
    assert found.mend.changes == (("client.lr", 0.01),)


def test_pictures_that_do_not_follow_from_so_few_numbers_come_back_on_a_wider_network() -> None:
    """The bound beside what is counted by hand: the entries of three convolutions, and the features of two pictures."""
    narrow = {"size": 16, "model.width": 4, "attack": "dlg", "attack.steps": 400, "attack.labels": "known_labels"}
    failed = row(set_up(narrow | {"attack.goal": 0.0}, TWO))
    evidence = failed["result"]["evidence"]
    assert (evidence["numbers"], evidence["pixels"]) == (304 + 2 * 404 + 2 * 64, 2 * 3 * 16 * 16)
    found = diagnose(failed, KNOWN)
    assert found is not None
    assert found.mend is not None
    assert (found.cause, found.mend.changes) == ("numbers", (("model.width", 32),))
    mended = row(found.mend.experiment)
    assert mended["result"]["evidence"]["numbers"] > mended["result"]["evidence"]["pixels"]
    assert diagnose(mended, KNOWN) is None


def test_a_hidden_layer_leaves_fewer_numbers() -> None:
    hidden = {"size": 16, "attack": "dlg", "attack.steps": 2, "threat.hidden": "classifier.*"}
    evidence = row(set_up(hidden, TWO[:1]))["result"]["evidence"]
    assert (evidence["numbers"], evidence["pixels"]) == (912 + 2 * 3612, 3 * 16 * 16)


def test_labels_count_as_right_in_any_order() -> None:
    found, true = torch.tensor([3, 1, 1, 7]), torch.tensor([1, 7, 5, 3])
    assert arrange_labels(found, true).tolist() == [1, 7, 1, 3]


def test_a_batch_that_no_rule_explains_is_tried_with_one_picture() -> None:
    few = SMALL | {"attack.steps": 4, "attack.labels": "known_labels"}
    failed = row(set_up(few, ["sample:coin", "sample:camera"]))
    evidence = failed["result"]["evidence"] | {"fell": 0.0}
    found = diagnose(failed | {"result": failed["result"] | {"evidence": evidence}}, KNOWN)
    assert found is not None
    assert found.mend is not None
    assert found.cause == "unknown"
    assert "several pictures" in found.sentence
    assert found.mend.experiment["images"] == ["sample:coin"]
    assert found.mend.experiment == put_all(failed["experiment"], found) == admit(found.mend.experiment, KNOWN)
