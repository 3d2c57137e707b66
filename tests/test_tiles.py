"""The update's tiles: the entries that are shown against loops over the whole tensors, and what is said of each."""

from __future__ import annotations

import base64
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gradleak_core.attacks import RECIPES
from gradleak_core.client import local_update
from gradleak_core.defences import DEFENCES, Defence
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.half_precision import HalfPrecision
from gradleak_core.defences.pruning import Pruning
from gradleak_core.defences.quantisation import Quantisation
from gradleak_core.defences.sign import Sign
from gradleak_core.experiment import Experiment, prepare_both, run
from gradleak_core.models import MODELS
from gradleak_core.models.mlp import MLP
from gradleak_core.runs.hub import Trace
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.recording import find_tiles
from gradleak_core.threat import ThreatModel
from gradleak_core.tiles import Tiles, find_unlike, pack_entries, spread_evenly, wire_size
from gradleak_core.types import ClientStep, Frame, Observation, Progress, Started

SMALL = Experiment(images=("sample:coffee",), size=16, threads=1, attack=replace(RECIPES["idlg"], steps=6, restarts=1))


def bytes_of(text: str) -> list[int]:
    return [byte - 256 if byte > 127 else byte for byte in base64.b64decode(text)]


def observation(update: dict[str, Tensor], shape: tuple[int, int, int] = (3, 4, 4), classes: int = 10) -> Observation:
    return Observation(update, ClientStep(), 1, shape, classes, None)


@pytest.mark.parametrize(("count", "most"), [(1, 24), (24, 24), (25, 24), (48, 24), (1000, 24), (7, 3)])
def test_a_sample_is_even_and_whole_where_it_can_be(count: int, most: int) -> None:
    found = spread_evenly(count, most)
    assert len(found) == min(count, most) == len(set(found))
    assert all(0 <= place < count for place in found)
    steps = [after - before for before, after in pairwise(found)]
    assert not steps or max(steps) - min(steps) <= 1


def test_a_byte_is_the_root_of_an_entrys_share_of_the_largest() -> None:
    values = torch.tensor([1.0, -1.0, 0.25, -1e-4, 0.0, 3.0, -math.inf, math.nan])
    assert bytes_of(pack_entries(values)) == [127, -127, 64, -1, 0, 127, -127, 0]


@pytest.mark.parametrize("kind", ["lenet", "resnet20", "vit"])
def test_every_entry_shown_is_the_updates_own(kind: str) -> None:
    """Looked up by row and column, one by one."""
    generator = torch.Generator().manual_seed(5)
    both = prepare_both(replace(SMALL, model=MODELS[kind]()))
    update = {name: torch.randn(g.shape, generator=generator) for name, g in both.observation.update.items()}
    tiles = Tiles(update, replace(both.observation, update=update), [3], ())
    at, seen = 0, bytes_of(tiles.description["sent"])
    for layer, tile in zip(tiles.description["layers"], tiles.tiles, strict=True):
        flat = update[layer["name"]].flatten().tolist()
        entries = [flat[place] for place in tile.entries.tolist()]
        assert len(entries) == math.prod(layer["form"])
        largest = max(map(abs, entries))
        for entry in entries:
            assert abs(seen[at] - 127 * math.copysign(math.sqrt(abs(entry) / largest), entry)) <= 0.51
            at += 1
        if len(layer["form"]) == 2:
            rows, columns = layer["form"]
            width = len(flat) // update[layer["name"]].size(0)
            places = tile.entries.view(rows, columns)
            assert (places // width == places[:, :1] // width).all(), "a row of a tile is of one row of the tensor"
            assert (places % width == places[:1] % width).all()
            assert max(rows, columns) <= 24
    assert at == len(seen)


def test_the_last_layer_keeps_the_labels_row_however_many_classes_there_are() -> None:
    update = {"first": torch.ones(2, 3), "last.weight": torch.zeros(500, 40), "last.bias": torch.zeros(500)}
    update["last.weight"][:, 7] = torch.arange(500.0)
    description = Tiles(update, observation(update, classes=500), [123, 499, 123], ()).description
    _, weight, bias = description["layers"]
    assert {123, 499} <= set(weight["classes"])
    assert weight["classes"] == bias["classes"] == sorted(weight["classes"])
    assert weight["form"] == [24, 24]
    largest = max(weight["classes"])
    shown = [byte for byte in bytes_of(description["sent"])[6 : 6 + 24 * 24] if byte]
    roots = [round(127 * math.sqrt(row / largest)) for row in weight["classes"] if row]
    assert shown == pytest.approx(roots, abs=1), "its one column that is not zero is shown"


def test_a_dense_first_layers_row_is_the_private_picture() -> None:
    both = prepare_both(replace(SMALL, model=MLP(width=64)))
    first = both.tiles.description["layers"][0]
    assert first["form"] == [1, 3, 16, 16]
    shown = torch.tensor(bytes_of(both.tiles.description["sent"])[: 3 * 16 * 16]).float()
    values = shown.sign() * (shown / 127).square()
    own = both.secret.images[0].flatten()
    assert torch.corrcoef(torch.stack([first["signs"][0] * values, own]))[0, 1] > 0.99


def test_the_rows_of_a_batch_that_are_shown_are_not_all_of_one_picture() -> None:
    rows = torch.tensor([[9.0, 0, 0], [8, 0, 0], [-7, 0.1, 0], [0, 2, 0], [0, 1, 1.5]])
    assert find_unlike(rows, 3) == [0, 3, 4]


def test_a_defence_is_seen_before_and_after_and_none_shows_one_row() -> None:
    assert prepare_both(SMALL).tiles.description["before"] is None
    both = prepare_both(replace(SMALL, defences=(Pruning(share=0.75),)))
    said = both.tiles.description
    before, sent = bytes_of(said["before"]), bytes_of(said["sent"])
    kept = [(old, new) for old, new in zip(before, sent, strict=True) if new]
    assert 0.15 < len(kept) / len(sent) < 0.35
    assert all(old * new > 0 for old, new in kept)
    assert all(layer["zeros"] == pytest.approx(0.75, abs=0.06) for layer in said["layers"])
    undefended = prepare_both(SMALL).observation.update
    assert [layer["before"] for layer in said["layers"]] == pytest.approx(
        [float(g.norm()) for g in undefended.values()]
    )
    assert sum(layer["share"] for layer in said["layers"]) == pytest.approx(1)


def test_a_hidden_layer_is_in_the_onlookers_view_only() -> None:
    both = prepare_both(replace(SMALL, threat=ThreatModel(hidden="conv2.*")))
    said = both.tiles.description
    hidden = [layer for layer in said["layers"] if layer["norm"] is None]
    assert [layer["name"] for layer in hidden] == ["conv2.weight", "conv2.bias"]
    assert all(layer["before"] > 0 and layer["share"] is None for layer in hidden)
    assert said["whole"] == 4 * sum(g.numel() for g in both.observation.update.values())


def test_an_attacker_who_takes_several_steps_for_one_is_shown_the_same_size_before() -> None:
    client = ClientStep(local_epochs=3, lr=1e-6)
    both = prepare_both(replace(SMALL, client=client, threat=ThreatModel(local_steps="one"), defences=(Sign(),)))
    one = prepare_both(SMALL).observation.update
    assert [layer["before"] for layer in both.tiles.description["layers"]] == pytest.approx(
        [float(g.norm()) for g in one.values()], rel=1e-3
    )


UPDATE = {"a": torch.tensor([[0.0, 1.0], [0.0, -2.0]]), "b": torch.tensor([0.5, 0.0, 0.0])}


@pytest.mark.parametrize(
    ("defences", "size"),
    [((), 28), ((HalfPrecision(),), 14), ((Pruning(),), 24), ((Sign(),), 2), ((Quantisation(bits=3),), 2 + 4 + 2 + 4),
     ((Pruning(), GaussianNoise()), 28), ((GaussianNoise(), HalfPrecision()), 14), ((DEFENCES["dropout"](),), 28)],
)  # fmt: skip
def test_the_bytes_on_the_wire_are_those_that_the_last_defence_leaves(defences: tuple[Defence, ...], size: int) -> None:
    assert wire_size(UPDATE, defences) == size


def events(due: Any, **changes: Any) -> list[Any]:
    return list(run(replace(SMALL, **changes), due=due))


def test_whoever_looks_changes_nothing_and_sees_the_guesses_tiles() -> None:
    """The guess's are those of its own update, computed once more."""

    def losses(heard: list[Any]) -> list[list[float]]:
        return [event.losses["distance"].tolist() for event in heard if isinstance(event, Progress)]

    looked, alone = events(lambda _: True), events(lambda _: False)
    assert len(losses(looked)) == 6
    assert losses(looked) == losses(alone)
    both, shown = prepare_both(SMALL), [event for event in looked if isinstance(event, Frame)]
    assert next(event for event in looked if isinstance(event, Started)).update == both.tiles.description
    truth = local_update(both.model, both.secret.images, torch.eye(10)[both.secret.labels], {}, both.observation.step)
    assert both.tiles.encode(truth) == both.tiles.description["sent"]
    assert len({frame.tiles for frame in shown}) == len(shown)


ROW = {"id": "r", "status": "running", "experiment": {}, "result": None, "message": None, "started": None}


def frame_head(iteration: int, **more: Any) -> Any:
    picture = {"iteration": iteration, "metrics": {}, "labels": [0], "layers": {}, "redrawn": 0} | more
    return {"curve": {"first": iteration, "columns": {"distance": [1.0]}}, "picture": picture, "seconds": 1.0}


def test_a_viewer_is_told_of_the_update_once_and_of_the_newest_tiles_only() -> None:
    trace = Trace(ROW)
    trace.update(update={"layers": []})
    assert unpack_live(trace.since(0))[0]["update"] == {"layers": []}
    for iteration in (1, 2):
        trace.add(frame_head(iteration, tiles=f"{iteration}"), b"")
    first, later = (unpack_live(trace.since(seen))[0] for seen in (0, 1))
    assert first["update"] == {"layers": []}
    assert "update" not in later
    assert first["tiles"] == later["tiles"] == "2"
    assert all("tiles" not in frame for frame in first["frames"])
    assert unpack_live(trace.since(2))[0]["tiles"] is None


def test_frames_of_before_have_no_tiles() -> None:
    assert find_tiles([frame_head(1), frame_head(2, tiles="AA"), {"curve": None}]) == {2: "AA"}
    file = Path(__file__).parent / "former" / "runs.sqlite3"
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as db:
        heads = [head for (head,) in db.execute("SELECT head FROM frames")]
    assert heads
    assert not any('"tiles"' in head for head in heads)
