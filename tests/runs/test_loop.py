"""What the worker makes of the engine's events."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
import torch

from gradleak_core.runs.controls import Controls
from gradleak_core.runs.loop import Curve, Run
from gradleak_core.types import Candidate, Finished, Note, Plateau, Progress
from gradleak_core.verdicts import ALL_PAUSED, PLATEAU
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
    assert [head["message"] for head in heard[:-1]] == [
        PLATEAU.format(still=300, left=200, seconds=controls.patience),
        "",
    ]
    assert heard[-1]["status"] == status


def test_a_run_that_nobody_can_answer_goes_on_unasked() -> None:
    heard = list[Any]()
    Run(Levelling(), "", "cpu", Controls(), lambda head, blob=b"": heard.append(head)).play({})
    assert [head["status"] for head in heard] == ["done"]


class Learning(Levelling):
    """An engine whose only run waits for its network to be trained."""

    def run(self, experiment: Any, **_: Any) -> Any:
        yield Note("Training: round 1 of 2.", 0.5)
        yield Note("Training: round 2 of 2.", 1.0)
        yield Finished("done", 1, Candidate(torch.empty(0), torch.empty(0), {}), 1.0, 0)


def test_what_all_runs_have_to_wait_for_holds_a_training_too() -> None:
    controls, heard = Controls(), list[Any]()

    def hear(head: Any, blob: bytes = b"") -> None:
        heard.append(head)
        if head.get("state") == "held":
            threading.Timer(0.05, controls.apply, [{"type": "hold", "held": False}]).start()

    controls.apply({"type": "hold", "held": True})
    Run(Learning(), "", "cpu", controls, hear).play({})
    states = [(head["state"], head["message"]) for head in heard if head["type"] == "state"]
    assert states == [("held", ALL_PAUSED), ("queued", "")]
    assert heard[-1]["status"] == "done"


def test_nobody_has_to_answer_a_level_run_while_all_stand_still() -> None:
    controls, heard = Controls(patience=0.05), list[Any]()
    controls.apply({"type": "hold", "held": True})
    playing = threading.Thread(
        target=Run(Levelling(), "", "cpu", controls, lambda head: heard.append(head)).play, args=({},)
    )
    playing.start()
    playing.join(0.3)
    assert [head["state"] for head in heard] == ["paused"]
    controls.apply({"type": "resume"})
    controls.apply({"type": "hold", "held": False})
    playing.join(10)
    assert heard[-1]["status"] == "done"
