"""SAPAG's claim: the published DLG that it is compared with, and how evaluations are counted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from benchmarks.claims import published_dlg, sapag, whole
from gradleak_core.experiment import Experiment
from gradleak_core.models.inits import Normal, Xavier
from gradleak_core.models.lenet import LeNet
from gradleak_core.presets import find_recipe

NEVER = float("inf")


def test_evaluations_of_victims_that_never_came_so_far_are_infinite() -> None:
    rows = [{"psnr": 30.0, "iterations_to_25_db": 40}, {"psnr": 9.0, "iterations_to_25_db": None}]
    assert sapag.results([*rows, rows[0]]) == (pytest.approx(2 / 3), 40)
    assert sapag.results(rows) == (0.5, NEVER)


def test_published_dlg_recovers_an_easy_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_dlg, "OUTER", 40)
    easy = Experiment(model=LeNet(init=Normal(0.1)), attack=sapag.PUBLISHED, size=16, threads=1)
    result = sapag.play_either(easy, "cpu", math.inf, math.inf, 20)
    assert 0 < result["iterations_to_25_db"] <= result["iterations"] <= 40 * 25
    assert (result["metrics"]["psnr"] > 25, result["metrics"]["label_accuracy"]) == (True, 1)


def test_published_dlg_scores_its_first_guess_when_there_is_no_time() -> None:
    result = sapag.play_either(Experiment(attack=sapag.PUBLISHED, threads=1), "cpu", 0.0, math.inf, 20)
    assert (result["iterations"], result["iterations_to_25_db"]) == (0, None)
    assert 0 < result["metrics"]["psnr"] < 10


def test_published_dlg_ends_before_a_guess_that_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_dlg, "squared_distance", shorter_and_shorter)
    result = sapag.play_either(Experiment(attack=sapag.PUBLISHED, threads=1), "cpu", math.inf, math.inf, 20)
    assert result["iterations"] > 0
    assert math.isfinite(result["metrics"]["distance"])


def shorter_and_shorter(_: object, image: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """A distance that full steps of L-BFGS follow until a guess is not finite."""
    return -image.double().pow(4).sum() + logits.sum()


def test_a_run_notes_the_first_look_at_25_db() -> None:
    easy = Experiment(attack=replace(find_recipe("idlg"), steps=300), threads=1, size=16, model=LeNet(init=Xavier()))
    noted = whole.play(easy, "cpu", every=20)
    assert noted["iterations_to_25_db"] % 20 == 0
    assert "iterations_to_25_db" not in whole.play(replace(easy, attack=replace(easy.attack, steps=1)), "cpu")
