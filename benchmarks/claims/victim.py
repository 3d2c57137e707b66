"""Victims with trained weights, where a claim asks for them."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import replace

from benchmarks.setting import SEED, Setting
from gradleak_core.data import folders
from gradleak_core.experiment import Experiment, prepare_both


def missing(setting: Setting) -> str | None:
    """Why weights cannot be trained on CIFAR-10 here, as the end of a sentence."""
    if not any(field.name == "weights" for field in dataclasses.fields(Experiment)):
        return "weights cannot be trained here yet"
    return None if setting.data else "it needs --data"


def trained(experiment: Experiment, setting: Setting, epochs: int, name: str = "cifar10") -> Experiment:
    """The same weights for every image, trained on the training pictures of `name` below the data folder.

    They are trained here, so that no run's time has the training in it.
    """
    from gradleak_core.training import Trained

    assert setting.data is not None
    os.environ[folders.FOLDERS_VARIABLE] = str(setting.data / name)
    victim = replace(experiment, seed=SEED, weights=Trained(f"folder:{name}/train", epochs))
    prepare_both(victim, setting.device)
    return victim
