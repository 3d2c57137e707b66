"""Contact sheets that are handed in where pictures are: their set-up is checked like a link's."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from gradleak_core.runs.exports.sheet import look_for_setup
from gradleak_core.runs.service import Service
from tests.runs.test_exports import of_frames, sheet_with, write_export


def put(experiment: Any, **changes: Any) -> bytes:
    return sheet_with(json.dumps({"experiment": experiment | changes}).encode())


def test_a_sheet_restores_what_it_carries_and_a_picture_carries_nothing(service: Service) -> None:
    default = service.catalogue()["experiment"]["default"]
    other = copy.deepcopy(default) | {"seed": 7, "images": ["sample:coffee"]}
    sheet = write_export("png", of_frames(2) | {"experiment": other})
    old = put({"seed": 7, "images": ["sample:coffee"]})  # lacks fields
    assert look_for_setup(sheet, service.catalogue(), service.folder) == {"setup": other}
    assert look_for_setup(old, service.catalogue(), service.folder) == {"setup": other}
    assert look_for_setup(b"\x89PNG\r\n\x1a\n", service.catalogue(), service.folder) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"attack": {"kind": "magic"}},
        {"attack": "\ud800"},
        {"\ud800": 1},
        {"images": ["upload:../../etc"]},
        {"images": [f"upload:{'0' * 64}"]},
        {"images": ["folder:\udfff/x.png"]},
        {"size": 10**400},
        {"model": [[[]]]},
        {"defences": "noise"},
        {"labels": {"a": 1}},
    ],
)
def test_a_hostile_set_up_is_refused_in_a_sentence(service: Service, changes: Any) -> None:
    sheet = put(service.catalogue()["experiment"]["default"], **changes)
    said = look_for_setup(sheet, service.catalogue(), service.folder)
    assert said.keys() == {"spoilt"}
    assert said["spoilt"].startswith("The set-up in this picture cannot be used here: ")
    assert said["spoilt"].endswith(".")
    assert "\n" not in said["spoilt"]
    said["spoilt"].encode()  # can be sent to a browser
