"""The shape of a claim: what a paper says, how it is tried here, and what would refute it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.claims.figure import Figure
from benchmarks.claims.papers import Paper
from benchmarks.setting import Setting
from gradleak_core.experiment import Experiment

JSON = Any
Verdict = Literal["reproduced", "partly", "not reproduced"]


@dataclass(frozen=True)
class Outcome:
    """What a run of a claim found."""

    ours: str
    """Our numbers, in the order of the paper's."""
    verdict: Verdict
    values: list[JSON]
    """Every single measurement, one row each; those with a `seed` name it."""
    images: str
    """Where the private pictures came from, in words."""


@dataclass(frozen=True)
class Claim:
    """One claim of one paper. Its file also holds the rule of the verdict, in code."""

    title: str
    paper: Paper
    sentence: str
    """What is claimed, in our words."""
    setup: str
    """How it is tried here."""
    theirs: str
    """The paper's numbers, or "in words only"."""
    refuted_by: str
    """The measurement that would be "not reproduced"."""
    measure: Callable[[Setting], Outcome]
    live: Experiment | None = None
    """A set-up of seconds to a minute on two CPU cores that shows the point in the Lab."""
    live_gpu: Experiment | None = None
    """A larger one where there is a GPU; `live` when there is none."""
    halves: tuple[str, ...] = ()
    """How each further lane of a race differs from `live`, which it is compared with, as `config.races` writes it."""
    figure: Figure | None = None
    """What the page draws of the values."""
    floor: str = ""
    """What would be found if nothing leaked, in words, where it is not one number of the figure."""
    account: str = ""
    """Our best account of why, where the claim holds in part or not at all."""


def judged(whole: bool, part: bool) -> Verdict:
    """`reproduced` when the whole claim holds, `partly` when a part of it does."""
    return "reproduced" if whole else "partly" if part else "not reproduced"
