"""What the worker makes of the engine's events."""

from __future__ import annotations

import io
import math
import threading
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gradleak_core.runs.controls import Controls
from gradleak_core.runs.loop import Curve, Run, encode_picture
from gradleak_core.types import Candidate, Finished, Plateau, Progress
from gradleak_core.verdicts import PLATEAU
from tests.runs import toy_engine


def progress(iteration: int, distance: list[float], prior: list[float], best: list[float]) -> Progress:
    nothing = Candidate(torch.empty(0), torch.empty(0), {})
    losses = {"distance": torch.tensor(distance), "prior": torch.tensor(prior)}
    return Progress(iteration, losses, torch.tensor(best), torch.tensor(0), lambda: nothing, lambda: nothing)


def test_a_curve_follows_the_seed_that_matches_best() -> None:
    curve = Curve(("distance", "prior"))
    curve.add(progress(1, [3, 2], [30, 20], [3, 2]))
    curve.add(progress(2, [1, 4], [10, 40], [1, 2]))
    assert curve.take() == {"first": 1, "columns": {"distance": [2, 1], "prior": [20, 10], "best": [2, 1]}}
    curve.add(progress(3, [5, 6], [50, 60], [5, 6]))  # every seed was drawn anew
    assert curve.take() == {"first": 3, "columns": {"distance": [5], "prior": [50], "best": [1]}}
    assert curve.take() == {"first": 4, "columns": {"distance": [], "prior": [], "best": []}}


def test_a_seed_that_is_not_finite_is_not_followed() -> None:
    curve = Curve(("distance", "prior"))
    curve.add(progress(1, [math.nan, 7], [1, 2], [math.inf, 7]))
    assert curve.take()["columns"] == {"distance": [7], "prior": [2], "best": [7]}


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_stacked_top_to_bottom_without_loss(channels: int) -> None:
    images = torch.randint(0, 256, (4, channels, 6, 5)) / 255
    shown = pixels(encode_picture(images), channels)
    assert torch.equal(shown, images.permute(0, 2, 3, 1).reshape(24, 5, channels).mul(255).round().byte())


def test_values_outside_the_range_are_clipped() -> None:
    images = torch.tensor([-1.0, 2.0, math.nan, 0.5]).reshape(1, 1, 2, 2)
    assert pixels(encode_picture(images), 1).flatten().tolist() == [0, 255, 0, 128]


def test_large_pictures_are_webp_and_look_the_same() -> None:
    ramp = torch.linspace(0, 1, 96).expand(2, 3, 96, 96)
    data = encode_picture(ramp)
    assert Image.open(io.BytesIO(data)).format == "WEBP"
    shown = pixels(data, 3).float() / 255
    assert (shown - ramp.permute(0, 2, 3, 1).reshape(192, 96, 3)).abs().max() < 0.05


class Levelling:
    """An engine whose only run is level after an iteration."""

    load = secret = staticmethod(lambda _: toy_engine.Experiment({"attack": {}}))
    Summary, floor = toy_engine.Summary, staticmethod(lambda *_: {})

    def run(self, experiment: Any, **_: Any) -> Any:
        plateau = Plateau(600, 300, 200)
        yield plateau
        yield Finished("level" if plateau.ends else "done", 600, Candidate(torch.empty(0), torch.empty(0), {}), 1.0, 0)


@pytest.mark.parametrize(
    ("answer", "status"), [("resume", "done"), ("step", "done"), ("hurry", "level"), ("stop", "done"), (None, "level")]
)
def test_a_level_run_waits_for_an_answer_and_ends_without_one(answer: str | None, status: str) -> None:
    controls, heard = Controls(patience=30 if answer else 0.01), list[Any]()

    def hear(head: Any, blob: bytes = b"") -> None:
        heard.append(head)
        if head.get("state") == "paused" and answer:
            threading.Timer(0.05, controls.apply, [{"type": answer, "iterations": 5}]).start()

    Run(Levelling(), "", "cpu", controls, hear).play({})
    assert [head["message"] for head in heard[:-1]] == [PLATEAU.format(still=300, left=200), ""]
    assert heard[-1]["status"] == status


def test_a_run_that_nobody_can_answer_goes_on_unasked() -> None:
    heard = list[Any]()
    Run(Levelling(), "", "cpu", Controls(), lambda head, blob=b"": heard.append(head)).play({})
    assert [head["status"] for head in heard] == ["done"]


def pixels(data: bytes, channels: int) -> Tensor:
    image = np.array(Image.open(io.BytesIO(data)))
    return torch.from_numpy(image.reshape(*image.shape[:2], channels))
