"""The speed benchmark's own promises: its page is its committed results, and all contenders take the same step."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
import torch

from benchmarks.record import results
from benchmarks.speed import SPEED
from benchmarks.speed.__main__ import FOLDER
from benchmarks.speed.contenders import bare, contest, gradleak, medians
from benchmarks.speed.page import PAGE, page
from benchmarks.speed.scaling import axes, exponent
from gradleak_core.experiment import CODEC, Experiment, load, prepare_both
from gradleak_core.presets import find_recipe

ROOT = Path(__file__).parents[1]


def test_the_page_is_made_from_the_committed_results() -> None:
    committed = results(FOLDER)
    assert PAGE.read_text(encoding="utf-8") == page(committed, results()), "run: python -m benchmarks.speed --table"
    for result in committed:
        benchmark = SPEED[result["name"]]
        assert (result["what"], result["bar"], result["quick"]) == (benchmark.what, benchmark.bar, False)


def test_the_readme_carries_the_committed_ratios() -> None:
    kept = {result["name"]: result["values"] for result in results(FOLDER)}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lenet, restarts, first = kept["peers"][0], kept["seeds"][0], kept["recognisable"][0]
    assert (lenet["network"], restarts["network"], restarts["optimiser"]) == ("lenet", "lenet", "Adam")
    for ratio in (lenet["bare"], lenet["breaching"], restarts["ratio"]):
        assert f"{ratio:.1f} times as fast" in readme
    assert f"recognisable after {statistics.median(first['gradleak']):.1f} s" in readme


def test_entries_take_turns_after_a_warm_round() -> None:
    order: list[str] = []

    def entry(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = contest({"a": lambda: entry("a"), "b": lambda: entry("b")}, 3)
    assert order == ["a", "b"] * 4
    assert found == {"a": [3, 5, 7], "b": [4, 6, 8]}
    assert medians(found) == {"a": 5, "b": 6}


@pytest.mark.parametrize("contender", [gradleak, bare])
def test_a_contender_takes_time_and_leaves_the_victim_alone(contender) -> None:  # type: ignore[no-untyped-def]
    attack = find_recipe("inverting_gradients")
    both = prepare_both(Experiment(size=16, attack=attack))
    before = {k: v.clone() for k, v in both.model.state_dict().items()}
    assert contender(both, attack, 3) > 0
    assert all(torch.equal(v, both.model.state_dict()[k]) for k, v in before.items())
    assert all(p.grad is None for p in both.model.parameters())


def test_every_point_of_the_curves_can_be_run() -> None:
    for _, _, experiment in axes():
        assert load(CODEC.encode(experiment)) == experiment


def test_the_exponent_of_a_square_is_two() -> None:
    rows = [{"axis": "x", "value": v, "milliseconds": 3 * v**2} for v in (1, 2, 5)]
    assert exponent(rows, "x") == pytest.approx(2)
