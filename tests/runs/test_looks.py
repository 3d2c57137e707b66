"""When a run was recognisable: the same iteration on every surface, however often its picture is drawn."""

from __future__ import annotations

import json
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from gradleak_core import experiment as engine
from gradleak_core.__main__ import main
from gradleak_core.onlooker import plan_look
from gradleak_core.runs.controls import Controls
from gradleak_core.runs.exports.kinds import write_export
from gradleak_core.runs.exports.recorded import choose_iterations
from gradleak_core.runs.loop import Run
from gradleak_core.runs.turns import play_in_turns
from gradleak_core.types import MOST_STEPS
from gradleak_core.verdicts import SEEN, recognisable

OPTIONS = ["--sample", "coin", "--size", "24", "--seed", "77", "--steps", "120", "--set", "threads=1"]


class Eager(Controls):
    """Controls that want a frame every so many iterations, and a stop at one of them."""

    def __init__(self, every: int, last: int | None = None) -> None:
        super().__init__()
        self.every, self.last = every, last

    def tick(self) -> bool:
        wanted = super().tick() or self.ticks % self.every == 0
        self.stopped = self.ticks == self.last
        return wanted or self.stopped


class Heard:
    """The frames and the result of a run."""

    def __init__(self) -> None:
        self.frames, self.result = list[Any](), dict[str, Any]()

    def __call__(self, head: Any, blob: bytes = b"") -> None:
        if head["type"] == "frame" and head["picture"]:
            self.frames.append(head["picture"] | {"seconds": head["seconds"]})
        self.result = head.get("result", self.result)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "data"))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """What the command line says of the run, as JSON."""
    assert main(["attack", *OPTIONS, "--device", "cpu", "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def watch(experiment: Any, every: int, last: int | None = None) -> Heard:
    heard = Heard()
    Run(engine, "", "cpu", Eager(every, last), heard).play(experiment)
    return heard


def test_looks_are_near_each_other_and_follow_from_the_iteration_alone() -> None:
    looks = planned()
    assert looks[:32] == [*range(1, 33)]
    assert max(later / former for former, later in pairwise(looks[16:])) <= 1.0625
    assert len(looks) < 200


def planned() -> list[int]:
    looks = [plan_look(0)]
    while looks[-1] < MOST_STEPS:
        looks.append(plan_look(looks[-1]))
    return looks


def test_a_run_is_recognisable_at_one_iteration_on_every_surface(said: Any, capsys: Any) -> None:
    at = said["iterations_to_recognisable"]
    assert at in planned()
    for every in (1, 7, 10**6):
        heard = watch(said["experiment"], every)
        assert heard.result["iterations_to_recognisable"] == at
        [marked] = [frame for frame in heard.frames if frame["recognised"]]
        assert marked["iteration"] == at
        assert abs(heard.result["seconds_to_recognisable"] - marked["seconds"]) < 1
    lanes = [Heard(), Heard()]
    other = said["experiment"] | {"seed": 78}
    runs = [Run(engine, str(k), "cpu", Controls(), lane) for k, lane in enumerate(lanes)]
    play_in_turns(
        list(zip(runs, (other, said["experiment"]), strict=True)),
        "iterations",
        lambda *_: pytest.fail("a lane broke off"),
    )
    assert lanes[1].result["iterations_to_recognisable"] == at
    script = write_export("py", {"title": "", "experiment": said["experiment"], "result": said}).decode()
    capsys.readouterr()
    exec(compile(script, "repeat.py", "exec"), {"__name__": "__main__"})
    assert f"first recognisable at iteration {at}." in capsys.readouterr().out


def test_a_run_that_is_stopped_between_two_looks_was_recognisable_at_its_end(said: Any) -> None:
    frames = watch(said["experiment"], 1).frames
    last = next(frame["iteration"] for frame in frames if recognisable(frame["metrics"]))
    assert watch(said["experiment"], 10**6, last).result["iterations_to_recognisable"] == last
    assert watch(said["experiment"], 10**6, last - 1).result["iterations_to_recognisable"] is None


def test_a_chosen_frame_is_the_look_that_recognised_the_picture() -> None:
    clear = {"metrics": {"likeness": 0.7}}
    frames = [{"iteration": k, "recognised": k == 23, **clear} for k in range(1, 61)]
    assert 23 in choose_iterations(frames, 6)
    stored = [{"iteration": k, "metrics": {"likeness": k / 60}} for k in range(1, 61)]
    assert ceil(60 * SEEN["recognisable"]) in choose_iterations(stored, 6)
