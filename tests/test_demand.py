"""What a run asks for is known before it begins, and what is too much is refused with the numbers."""

from __future__ import annotations

import json
import random
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from benchmarks.demand import FITTED, HELD, LEAST, built, estimated
from benchmarks.record import RESULTS
from gradleak_core.__main__ import main
from gradleak_core.attacks import RECIPES
from gradleak_core.catalogue import catalogue
from gradleak_core.config import demand
from gradleak_core.experiment import CODEC, Experiment
from gradleak_core.models import MODELS
from gradleak_core.models.mlp import MLP
from gradleak_core.models.vit import ViT
from gradleak_core.presets import PRESETS
from gradleak_core.speed.mode import values
from gradleak_core.types import Refused

KEPT = RESULTS / "demand.json"
WIDEST = {"width": 96, "depth": 6, "heads": 8}
"""Of what is drawn, so that the networks stay small."""


def drawn(kind: str, dice: random.Random) -> tuple[Any, dict[str, int]]:
    """A network with numbers at random, and the facts of its pictures."""
    size = dice.choice((16, 24, 32, 48))
    low = {"width": 16, "depth": 1, "heads": 1}
    names = [field.name for field in fields(MODELS[kind]) if field.name in low]
    knobs = {
        name: dice.randint(low[name], WIDEST[name]) if kind != "resnet20" else dice.randint(1, 2) for name in names
    }
    if kind == "vit":
        knobs["patch"] = dice.choice((4, 8))
    return MODELS[kind](**knobs), {"size": size, "channels": dice.choice((1, 3)), "classes": dice.randint(2, 40)}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", MODELS)
def test_the_work_of_every_network_is_a_bound_near_the_count(kind: str, seed: int) -> None:
    model, facts = drawn(kind, random.Random(f"{kind}{seed}"))
    shape = (facts["channels"], facts["size"], facts["size"])
    network = model.build(shape, facts["classes"]).eval()
    known = demand.list_numbers(CODEC.encode(model), facts)
    counts = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "values": values(network, torch.rand(1, *shape)),
    }
    for name, count in counts.items():
        assert count <= demand.summed(getattr(model.work, name), known) <= 1.7 * count + 10_000, name


@pytest.mark.skipif(not KEPT.exists(), reason="not measured yet; run: python -m benchmarks demand")
def test_runs_took_no_more_than_is_estimated_and_not_far_less() -> None:
    """By what was measured last, in set-ups that the constants were fitted to and in those that they were not."""
    measured = {key(row): row["taken_mb"] for row in json.loads(KEPT.read_text(encoding="utf-8"))["values"]}
    assert set(measured) == {key(row) for row in FITTED + HELD}, "run: python -m benchmarks demand"
    for row in FITTED + HELD:
        assert LEAST <= measured[key(row)] / estimated(built(row)) <= 1, row


def key(row: Any) -> tuple[Any, ...]:
    return tuple(
        row.get(name) for name in ("model", "size", "restarts", "batch", "epochs", "rounds", "attack", "threads")
    )


def test_every_preset_fits_into_a_gigabyte_and_is_quick() -> None:
    for preset in PRESETS:
        asked = demand.estimate(CODEC.encode(preset.experiment), catalogue())
        assert asked is not None
        assert asked.memory < 1e9
        assert asked.seconds < 1


HUGE = {
    "mlp": Experiment(model=MLP(), size=64, attack=replace(RECIPES["idlg"], restarts=256)),  # type: ignore[type-var]
    "vit": Experiment(model=ViT(), size=64, attack=replace(RECIPES["dlg"], restarts=256)),  # type: ignore[type-var]
}


@pytest.mark.parametrize("name", HUGE)
def test_too_much_is_refused_with_the_numbers_and_what_to_lower(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(demand.MEMORY_VARIABLE, "2")
    known = catalogue() | {"devices": [{"kind": "cpu"}]}
    asked = CODEC.encode(HUGE[name])
    with pytest.raises(
        Refused, match=r"may need \d+\.\d GB of memory, and 2\.0 GB are free; lower the restarts \(256\) or"
    ):
        demand.check_memory(asked, known)
    asked["attack"]["restarts"] = 4
    demand.check_memory(asked, known)


def test_what_takes_long_is_said_and_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(demand.MEMORY_VARIABLE, "64")
    known = catalogue() | {"devices": [{"kind": "cpu"}]}
    asked = CODEC.encode(
        Experiment(model=MODELS["resnet18"](), size=224, attack=replace(RECIPES["sapag"], restarts=256))
    )  # type: ignore[type-var]
    demand.check_memory(asked, known)
    assert demand.delay(asked, known).startswith("One iteration may take ")
    assert demand.delay(CODEC.encode(Experiment()), known) == ""


def test_a_device_has_memory_of_its_own() -> None:
    card = catalogue() | {"devices": [{"kind": "cuda", "memory": 1e9}]}
    assert "1.0 GB are free" in demand.lack(CODEC.encode(HUGE["mlp"]), card)
    assert demand.delay(CODEC.encode(HUGE["mlp"]), card) == ""


def test_a_network_that_says_nothing_of_its_work_is_not_refused() -> None:
    known = catalogue()
    models = {kind: {k: v for k, v in row.items() if k != "work"} for kind, row in known["families"]["models"].items()}
    without = known | {"families": known["families"] | {"models": models}}
    assert demand.lack(CODEC.encode(HUGE["mlp"]), without) == ""


def test_the_command_line_refuses_by_the_same_rule(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setenv(demand.MEMORY_VARIABLE, "2")
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path))
    (tmp_path / "huge.json").write_text(json.dumps(CODEC.encode(HUGE["mlp"])), encoding="utf-8")
    assert main(["attack", "--device", "cpu", "--experiment", str(tmp_path / "huge.json")]) == 2
    assert "and 2.0 GB are free; lower the restarts (256)" in " ".join(capsys.readouterr().err.split())
