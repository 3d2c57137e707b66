"""Whether the row sum of the last layer's gradient gives the label away: iDLG's first step, on the LeNet as by default.

Another network and another image each time; the client's own gradient, nothing is optimised.
"""

from __future__ import annotations

from typing import Any

from benchmarks.setting import Setting
from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.parts.labels import RowSum
from gradleak_core.experiment import Experiment, prepare_both

JSON = Any


def measure(setting: Setting) -> JSON:
    values = []
    for name, experiment in setting.experiments(Experiment(attack=RECIPES["idlg"]), setting.count(1000, 50)):
        both = prepare_both(experiment, setting.device)
        guess = RowSum().read(both.model, both.observation)
        row = {"label": both.secret.labels.item(), "guess": None if guess is None else guess.item()}
        values.append({"image": name, "seed": experiment.seed, **row})
    right = sum(row["label"] == row["guess"] for row in values)
    return {
        "measured": f"{right:,} of {len(values):,}",
        "met": right == len(values),
        "images": setting.images,
        "seeds": [values[0]["seed"], values[-1]["seed"]],
        "values": values,
    }
