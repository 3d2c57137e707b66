"""Decides whether an experiment can be run, by the same code at the door and in the engine. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from gradleak_core.config.former import renew_experiment
from gradleak_core.config.knobs import refusals
from gradleak_core.config.schemas import checked, quoted
from gradleak_core.data import data_folder, own_label
from gradleak_core.data.sources import source
from gradleak_core.types import JSON, Refused


def admit(experiment: JSON, catalogue: JSON, folder: Path | None = None) -> JSON:
    """Returns the experiment by today's names, with all defaults filled in. Raises `Refused` with one sentence.

    `folder` is the data folder, the usual one unless given. What only the network or its training data can tell is
    refused by the worker: hidden layers that fit no parameter, and labels of a data set that is still to be fetched.
    """
    whole = checked(renew_experiment(experiment), catalogue["experiment"]["schema"], catalogue["families"])
    check_labels(whole, folder or data_folder())
    weights = whole.get("weights", {})
    if weights.get("epochs"):
        source(weights["dataset"], whole["classes"])
    for sentence in refusals(whole, whole, catalogue):
        raise Refused(sentence)
    return whole


def check_labels(experiment: JSON, folder: Path) -> None:
    """Raises `Refused` unless every image is there and has a label that the model knows."""
    images, labels = experiment["images"], experiment["labels"]
    own = [own_label(image, folder) for image in images]
    if labels is not None and len(labels) != len(images):
        raise Refused(f"{len(labels)} labels were given for {len(images)} pictures; give one each.")
    for number, label in enumerate(own if labels is None else labels, 1):
        if label is not None:
            check_label(number, label, experiment["classes"])


def check_label(number: int, label: int, classes: int) -> None:
    """Raises `Refused` when the label of picture `number` lies beyond the model's classes."""
    if not 0 <= label < classes:
        more = f", or at least {quoted(label + 1)} classes" if label > 0 else ""
        known = f"Label {quoted(label)}, of picture {number}, is not one of the model's {classes} classes"
        raise Refused(f"{known}; choose one from 0 to {classes - 1}{more}.")
