"""What the figures of How it works show agrees with what they say, and each has a text to stand above."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from gradleak_core.verdicts import seen

ASSETS = Path(__file__).parents[1] / "assets"
EXPLANATIONS = json.loads((ASSETS / "recordings" / "explanations.json").read_text("utf-8"))


def entries(text: str, columns: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.int8).astype(int).reshape(-1, columns)


def test_a_slope_is_the_slope_of_the_curve_beside_it() -> None:
    explanation = EXPLANATIONS["gradient"]
    middle = len(explanation["offsets"]) // 2
    width = explanation["offsets"][middle + 1] - explanation["offsets"][middle - 1]
    for weight in explanation["weights"]:
        losses = weight["losses"]
        assert losses[middle] == explanation["loss"]
        assert (losses[middle + 1] - losses[middle - 1]) / width == pytest.approx(weight["slope"], rel=0.05, abs=0.01)


def test_only_the_label_points_down() -> None:
    explanation = EXPLANATIONS["label"]
    for picture in explanation["pictures"]:
        right = [float(at == picture["label"]) for at in range(len(explanation["classes"]))]
        assert np.subtract(picture["answer"], right) == pytest.approx(picture["bias"], abs=2e-3)
        assert [at for at, value in enumerate(picture["bias"]) if value < 0] == [picture["label"]]
        rows = entries(picture["tile"], explanation["columns"])
        assert (rows[picture["label"]] < 0).all()
        assert (np.delete(rows, picture["label"], 0) >= 0).all()


def test_a_dropped_feature_has_an_empty_column_and_no_other_has() -> None:
    explanation = EXPLANATIONS["dropout"]
    masks = [draw["mask"] for draw in explanation["draws"]]
    for draw in explanation["draws"]:
        assert entries(draw["tile"], explanation["columns"]).any(0).tolist() == [bool(kept) for kept in draw["mask"]]
    assert len({tuple(mask) for mask in masks}) == len(masks)


def test_the_words_of_the_texts_hold_for_the_recorded_runs() -> None:
    ends = {name: [lane["frames"][-1] for lane in EXPLANATIONS[name]["lanes"]] for name in ("dropout", "precode")}
    ignoring, reading = ends["dropout"]
    assert (seen(ignoring), seen(reading)) == ("nothing", "near copy")
    ignoring, solving = ends["precode"]
    assert seen(ignoring) == "recognisable"
    assert solving["likeness"] > ignoring["likeness"]
    levels = EXPLANATIONS["noise"]["levels"]
    assert [level["std"] for level in levels] == sorted(level["std"] for level in levels)
    assert seen(levels[0]) == "near copy"
    assert seen(levels[-1]) == "nothing"


@pytest.mark.parametrize("idea", ["gradient", "label", "matching", "noise", "dropout", "precode"])
def test_every_figure_has_a_heading_and_a_short_text(idea: str) -> None:
    heading, text = (ASSETS / "explanations" / f"{idea}.md").read_text("utf-8").split("\n", 1)
    assert heading.startswith("### ")
    assert 30 < len(text.split()) < 100
