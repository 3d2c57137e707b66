"""The door and the engine judge an experiment by the same code: what one refuses, the other refuses in its words."""

from __future__ import annotations

import copy
import json
from itertools import islice
from typing import Any

import pytest

from benchmarks.hostile.mutations import experiments
from gradleak_core.catalogue import catalogue
from gradleak_core.config.admission import admit
from gradleak_core.experiment import CODEC, load
from gradleak_core.types import Refused

KNOWN = json.loads(json.dumps(catalogue()))
"""As the web process has it."""


def at_the_door(experiment: Any) -> Any:
    """The experiment as it is let in, or the sentence of its refusal."""
    try:
        return admit(experiment, KNOWN)
    except Refused as refused:
        return str(refused)


def in_the_engine(experiment: Any) -> Any:
    """The same of what the worker does with an experiment."""
    try:
        return CODEC.encode(load(experiment))
    except Refused as refused:
        return str(refused)


def test_both_say_the_same_of_mutated_experiments() -> None:
    verdicts = [(at_the_door(one), in_the_engine(one)) for one in islice(experiments(KNOWN, seed=16), 200)]
    for door, engine in verdicts:
        assert door == engine
        if isinstance(door, str):
            assert door.endswith((".", "?"))
            assert len(door.encode()) < 600
    assert 20 < sum(isinstance(door, dict) for door, _ in verdicts) < 180


def with_attack(**changes: Any) -> Any:
    return {"attack": KNOWN["experiment"]["default"]["attack"] | changes}


def trained(dataset: str) -> Any:
    return {"weights": {"kind": "trained", "dataset": dataset}}


CASES: dict[str, tuple[Any, str]] = {
    "unknown sample": ({"images": ["sample:nobody"]}, "There is no image 'sample:nobody'"),
    "unknown scheme": ({"images": ["nope"]}, "There is no image 'nope'"),
    "unknown upload": ({"images": ["upload:" + "0" * 64]}, "This picture is not kept here"),
    "unknown item": ({"images": ["dataset:cifar10/test/10000"]}, "is past the end"),
    "unknown data set": ({"images": ["dataset:imagenet/test/0"]}, "There is no image"),
    "unknown folder": ({"images": ["folder:a/b/c.png"]}, "No folder of images is set up"),
    "no image": ({"images": []}, "images must hold 1 to 16 entries, not 0."),
    "9,000 images": ({"images": ["sample:astronaut"] * 9000}, "images must hold 1 to 16 entries, not 9000."),
    "images of another kind": ({"images": [None]}, "images.0 must be a text, not None."),
    "images that are none": ({"images": "sample:astronaut"}, "images must be a list, not 'sample:astronaut'."),
    "empty unknowns": (with_attack(unknowns=[]), "attack.unknowns must hold at least one entry, not 0."),
    "labels of another kind": ({"labels": ["0"]}, "labels.0 must be a whole number, not '0'."),
    "labels that are none": ({"labels": 0}, "labels must be a list, not 0."),
    "labels of another shape": ({"labels": [[0]]}, "labels.0 must be a whole number, not [0]."),
    "label below all": ({"labels": [-1]}, "Label -1, of picture 1, is not one of the model's 10 classes"),
    "label above all": ({"labels": [10]}, "Label 10, of picture 1, is not one of the model's 10 classes"),
    "own label above all": ({"images": ["sample:hubble"], "classes": 2}, "is not one of the model's 2 classes"),
    "endless label": ({"labels": [10**4000]}, "Label 1000"),
    "32.0": ({"size": 32.0}, "size must be a whole number, not 32.0."),
    "true for 1": ({"channels": True}, "channels must be one of 1, 3, not True."),
    "1.0 for 1": ({"channels": 1.0}, "channels must be one of 1, 3, not 1.0."),
    "endless whole number": ({"seed": 10**4000}, "seed must lie between 0 and 2147483647, not 1000"),
    "endless number": ({"client": {"lr": -(10**4000)}}, "client.lr must lie between 1e-06 and 10, not -1000"),
    "surrogate": ({"threat": {"hidden": "\ud800"}}, "threat.hidden holds characters that cannot be shown: '\\ud800'"),
    "surrogate as image": ({"images": ["\ud800"]}, "images.0 holds characters that cannot be shown"),
    "surrogate as set": ({"weights": {"kind": "trained", "dataset": "\udfff"}}, "weights.dataset holds characters"),
    "unknown training set": (trained("digit"), "There is no data set 'digit' to train on; choose from digits, mnist"),
    "unknown training folder": (trained("folder:none"), "There is no folder 'folder:none'; those named in"),
    "training set of more classes": (trained("cifar100"), "cifar100 has 100 classes and the model only 10; raise"),
    "turned text": (with_attack(name="a\u202eb"), "attack.name holds characters that cannot be shown: 'a\\u202eb'"),
    "control character": (with_attack(name="a\x1b[31m"), "attack.name holds characters that cannot be shown"),
    "long text": ({"threat": {"hidden": "a" * 1001}}, "threat.hidden must have at most 1000 characters, not 1001."),
    "kind of another kind": ({"model": {"kind": ["mlp"]}}, "model has no kind ['mlp']; choose from mlp, lenet"),
    "unknown field": ({"\ud800" * 500: 1}, "'\\ud800"),
    "no object": (7, "The experiment must be an object, not 7."),
}


@pytest.mark.parametrize("case", CASES)
def test_both_refuse(case: str) -> None:
    changes, words = CASES[case]
    door, engine = at_the_door(changes), in_the_engine(changes)
    assert words in door
    assert door == engine


def test_what_is_quoted_is_cut() -> None:
    for value in ("a" * 20_000, ["a" * 20_000] * 9, {"a" * 20_000: 1}, 10**4000, [[[[[[0]]]]]] * 100):
        for field in ("size", "images", "model", "channels", "client"):
            refusal = at_the_door({field: value})
            assert len(refusal) < 250, field


def test_a_recipe_of_ones_own_is_let_in_whole() -> None:
    mine = copy.deepcopy(KNOWN["experiment"]["default"]["attack"]) | {"name": "mine"}
    del mine["stance"], mine["goal"]
    admitted = at_the_door({"attack": mine})
    assert admitted["attack"]["stance"] == {"kind": "ignore"}
    assert admitted == in_the_engine({"attack": mine})
