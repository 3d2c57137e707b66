"""Whether every attack does as well on a GPU as on the CPU.

Each attack inverts five updates of a network that it is made for, on both devices, with the same pictures, weights and
first guesses. The last bits differ, and so a search takes other ways: what is compared is the mean PSNR, with the
standard error of the difference over the pairs.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.claims.pictures import batches
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting
from gradleak_core.attacks import ATTACKS
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.precode import Precode
from gradleak_core.experiment import Experiment
from gradleak_core.models.convnet import ConvNet
from gradleak_core.models.lenet import LeNet
from gradleak_core.models.mlp import MLP
from gradleak_core.models.resnet20 import ResNet20
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep

JSON = Any
PAIRS = 5
STEPS = 600
SLACK = 1.0
"""A difference of the means that is never too large, in dB."""
ERRORS = 2.0
"""The standard errors by which the means may differ."""
LENET, BOTTLENECK = Experiment(model=LeNet()), Experiment(model=MLP(256), defences=(Precode(),))
BASES: dict[str, tuple[Experiment, int]] = {
    "dlg": (LENET, 1),
    "idlg": (LENET, 1),
    "sapag": (LENET, 1),
    "inverting_gradients": (Experiment(model=ResNet20()), 1),
    "gradinversion": (
        Experiment(size=16, model=ConvNet(16), client=ClientStep(train=True), threat=ThreatModel(statistics="told")),
        4,
    ),
    "general_deep_leakage": (replace(LENET, client=ClientStep(local_epochs=2)), 2),
    "dropout_readoff": (replace(LENET, defences=(Dropout(),)), 1),
    "dropout_inversion": (Experiment(model=MLP(256), defences=(Dropout(p=0.25),)), 1),
    "precode_bypass": (BOTTLENECK, 1),
    "precode_noise": (BOTTLENECK, 1),
}
"""The set-up that each attack is tried on, and the size of its batch."""


def measure(setting: Setting) -> JSON:
    rows = [
        run for device in ("cpu", setting.device) for run in play_all(runs(setting), replace(setting, device=device))
    ]
    half = len(rows) // 2
    values = [cpu | {"psnr_on_device": other["psnr"]} for cpu, other in zip(rows[:half], rows[half:], strict=True)]
    found = {name: compare([row for row in values if row["attack"] == name]) for name in ATTACKS}
    said = [f"{name} {cpu:.1f} and {other:.1f}" for name, (cpu, other, _) in found.items()]
    return {
        "measured": f"mean PSNR on the CPU and here, dB: {', '.join(said)}",
        "met": all(same for *_, same in found.values()),
        "images": setting.images,
        "seeds": sorted({row["seed"] for row in values}),
        "values": values,
    }


def runs(setting: Setting) -> Iterator[tuple[JSON, Experiment]]:
    """Yields every run with the name of its attack."""
    for name, attack in ATTACKS.items():
        base, size = BASES[name]
        steps = setting.count(min(attack.steps, STEPS), 20)  # type: ignore[attr-defined]
        shorter = replace(base, attack=replace(attack, steps=steps))  # type: ignore[type-var]
        for experiment in batches(setting, shorter, setting.count(PAIRS, 1), size, "different"):
            yield {"attack": name}, experiment


def compare(rows: list[JSON]) -> tuple[float, float, bool]:
    """Returns the mean PSNR on either device, and whether they are the same within the spread of the pairs."""
    cpu, other = ([row[key] for row in rows] for key in ("psnr", "psnr_on_device"))
    differences = [b - a for a, b in zip(cpu, other, strict=True)]
    error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
    mean = statistics.mean(differences)
    return statistics.mean(cpu), statistics.mean(other), abs(mean) <= max(SLACK, ERRORS * error)
