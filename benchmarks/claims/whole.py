"""Runs of a claim go on to their last iteration: a goal that ended one early would be part of what is measured."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from benchmarks import bare
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.experiment import Experiment

JSON = Any


def whole(experiment: Experiment) -> Experiment:
    """Returns the experiment with an attack that has no goal."""
    attack = experiment.attack
    return replace(experiment, attack=replace(attack, goal=0.0)) if isinstance(attack, Recipe) else experiment


def play(experiment: Experiment, device: str, limit: float = math.inf, look: float = math.inf) -> JSON:
    """Returns what `bare.play` does of the whole run, cut after `limit` seconds."""
    return bare.play(whole(experiment), device, limit, look)
