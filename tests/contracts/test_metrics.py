"""What every row of `METRICS` promises, and that the docs define the same."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from gradleak_core.metrics import METRICS, score

DOCS = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
EACH = pytest.mark.parametrize("name", METRICS)


def rows() -> dict[str, list[str]]:
    """The table of `docs/metrics.md`: name -> title, better, unit, definition."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in DOCS.splitlines() if line.startswith("| `")]
    return {name.strip("`"): rest for name, *rest in cells}


def test_the_docs_define_every_metric_once() -> None:
    assert list(rows()) == list(METRICS)


@EACH
def test_the_docs_say_what_the_code_says(name: str) -> None:
    metric = METRICS[name]
    assert rows()[name] == [metric.title, metric.better, metric.unit, metric.doc]
    assert metric.doc.endswith(".")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 28, 32])
@pytest.mark.parametrize("batch", [1, 3])
def test_a_score_holds_every_metric_as_a_finite_number(channels: int, size: int, batch: int) -> None:
    generator = torch.Generator().manual_seed(0)
    guess, truth = torch.rand(2, batch, channels, size, size, generator=generator)
    kept, labels = guess.clone(), torch.arange(batch)
    got = score(guess, truth, labels, labels, 0.5)
    assert list(got) == list(METRICS)
    assert all(isinstance(v, float) and math.isfinite(v) for v in got.values())
    assert torch.equal(guess, kept)


@EACH
def test_better_points_towards_the_truth(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    truth, noise = torch.rand(2, 2, 3, 16, 16, generator=generator)
    labels = torch.tensor([0, 1])
    near = score(truth + 0.01 * noise, truth, labels, labels, 0.1)[name]
    far = score(truth + 0.5 * noise, truth, torch.tensor([2, 3]), labels, 0.9)[name]
    assert (near > far) is (METRICS[name].better == "higher")
