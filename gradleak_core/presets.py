"""Set-ups to start from: each with a title, what it shows, and a promise that `benchmarks/presets.py` measures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradleak_core.attacks import ATTACKS
from gradleak_core.attacks.parts.labels import RowMinimum
from gradleak_core.attacks.recipe import Recipe
from gradleak_core.client import ClientStep
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import Experiment
from gradleak_core.models import MODELS


@dataclass(frozen=True)
class Preset:
    name: str
    title: str
    promise: str
    experiment: Experiment


def recipe(name: str) -> Recipe:
    attack = ATTACKS[name]
    assert isinstance(attack, Recipe)
    return attack


FIRST = Experiment(attack=recipe("idlg"))

PRESETS: tuple[Preset, ...] = (
    Preset("first", "One photo leaks", "leaks in about 5 s", FIRST),
    Preset(
        "convnet",
        "A ReLU network",
        "leaks in about 20 s",
        Experiment(images=("sample:cat",), model=MODELS["convnet"](), attack=recipe("inverting_gradients")),
    ),
    Preset(
        "batch",
        "Four at once",
        "leaks in about 30 s",
        Experiment(
            images=("sample:astronaut", "sample:cat", "sample:flower", "sample:coffee"),
            attack=replace(recipe("dlg"), name="dlg", labels=RowMinimum()),
        ),
    ),
    Preset(
        "noise",
        "Noise as a defence",
        "holds",
        replace(FIRST, defences=(DEFENCES["gaussian_noise"](std=0.05),)),
    ),
    Preset("pruning", "Send less", "holds", replace(FIRST, defences=(DEFENCES["pruning"](share=0.9),))),
    Preset("dropout", "Dropout", "holds", replace(FIRST, defences=(DEFENCES["dropout"](p=0.5),))),
    Preset(
        "fedavg",
        "Three local steps",
        "leaks in about 20 s",
        replace(FIRST, client=ClientStep(local_epochs=3, lr=0.01)),
    ),
)
