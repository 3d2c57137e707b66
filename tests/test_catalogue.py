"""The catalogue describes the engine as it is: JSON, valid schemas, defaults that can be run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gradleak_core.attacks import ATTACKS
from gradleak_core.catalogue import catalogue, layers
from gradleak_core.config.needs import FACTS, facts
from gradleak_core.experiment import CODEC, load
from gradleak_core.models import MODELS

DOCS = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
FAMILIES = {(family, kind): entry for family, rows in catalogue()["families"].items() for kind, entry in rows.items()}


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(catalogue(), allow_nan=False)) == catalogue()


@pytest.mark.parametrize("key", FAMILIES, ids="/".join)
def test_an_entry_is_complete_and_its_default_fits_its_schema(key: tuple[str, str]) -> None:
    entry = FAMILIES[key]
    assert entry["title"]
    assert entry["summary"].endswith((".", ":"))
    Draft202012Validator.check_schema(entry["schema"])
    Draft202012Validator(entry["schema"]).validate(entry["default"])
    for knob in entry["knobs"]:
        assert knob["help"].endswith("."), knob
        assert knob["name"] in entry["default"]
    assert set(entry["facts"]) <= set(FACTS)
    for need in entry["needs"]:
        assert need["why"].endswith(".")
        assert {clause["fact"] for clause in need["any_of"]} <= set(FACTS)


def test_a_schema_refuses_what_is_out_of_range() -> None:
    schema = catalogue()["families"]["defences"]["dropout"]["schema"]
    assert not Draft202012Validator(schema).is_valid({"kind": "dropout", "p": 2})
    assert not Draft202012Validator(schema).is_valid({"kind": "dropout", "q": 0.1})


def test_every_attack_is_listed_with_its_paper_and_source() -> None:
    rows = catalogue()["families"]["attacks"]
    assert list(rows) == list(ATTACKS)
    for name, row in rows.items():
        assert row["paper"]
        assert row["idea"]
        assert f'name="{name}"' in row["source"]
        assert set(row["parts"]) <= set(CODEC.kinds)


def test_the_default_can_be_run_and_every_fact_can_be_told() -> None:
    default = catalogue()["experiment"]["default"]
    assert CODEC.encode(load(default)) == default
    assert set(facts(default, catalogue())) == set(FACTS)


def documented(heading: str) -> str:
    """The JSON under a heading of docs/architecture.md."""
    return DOCS.split(f"\n## {heading}\n")[1].split("```json\n")[1].split("```")[0]


def test_the_documented_experiment_names_every_field_and_can_be_loaded() -> None:
    example = json.loads(documented("Experiment"))
    default = catalogue()["experiment"]["default"]
    assert set(example) == set(default)
    for name in ("client", "threat", "attack"):
        assert set(example[name]) == set(default[name]), name
    load(example)


def test_the_documented_catalogue_names_every_family() -> None:
    shown = documented("Catalogue")
    assert all(f'"{family}": {{' in shown for family in catalogue()["families"])
    assert all(f'"{name}": ' in shown for name in catalogue())


@pytest.mark.parametrize("kind", MODELS)
def test_the_layers_of_a_model_are_those_that_it_has(kind: str) -> None:
    assert FAMILIES["models", kind]["layers"] == layers(MODELS[kind]())


def test_it_is_made_without_importing_what_takes_as_long_as_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    assert catalogue.__wrapped__() == catalogue()
