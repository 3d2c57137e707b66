"""The facts of an experiment, from its JSON, and what each part needs of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gradleak_core.types import Clause, Need

FACTS = {
    "batch": "images in the batch",
    "size": "pixels a side",
    "channels": "1 for grey, 3 for colour",
    "classes": "number of classes",
    "local_steps": "local SGD steps in one update",
    "step_images": "images in the smallest local step",
    "train": "1 when the client computes in train mode",
    "repeated_labels": "labels that occur again in the batch, when they are given",
    "bias": "1 when the classifier has a bias",
    "stochastic": "number of defences that draw inside the model: dropout, PRECODE",
    "batch_norm": "1 when the model has batch norm",
    "rounds": "updates of the same batch that the attacker has",
    "inferable": "0 when batch statistics are to be inferred from what does not tell them",
}

STOCHASTIC = ("dropout", "precode", "partial_perturbation")
BATCH_NORM = ("convnet", "resnet20", "resnet18")


def facts(experiment: Mapping[str, Any]) -> dict[str, float]:
    """Every fact of `FACTS`, as a number."""
    client, model = experiment["client"], experiment["model"]
    batch, labels = len(experiment["images"]), experiment.get("labels") or []
    threat = experiment.get("threat", {})
    local = min(client.get("local_batch", 0) or batch, batch)
    steps = client.get("local_epochs", 1) * -(-batch // max(local, 1))
    return {
        "batch": batch,
        "size": experiment["size"],
        "channels": experiment["channels"],
        "classes": experiment["classes"],
        "local_steps": steps,
        "step_images": batch % max(local, 1) or local,
        "train": float(bool(client.get("train", False))),
        "repeated_labels": len(labels) - len(set(labels)),
        "bias": float(bool(model.get("bias", True))),
        "stochastic": sum(d["kind"] in STOCHASTIC for d in experiment.get("defences", [])),
        "batch_norm": float(model.get("kind") in BATCH_NORM),
        "rounds": threat.get("rounds", 1),
        "inferable": float(threat.get("statistics") != "inferred" or (client.get("train", False) and steps == 1)),
    }


def labels_revealed(experiment: Mapping[str, Any]) -> bool:
    """Whether the attacker is given the labels."""
    return bool(experiment["attack"].get("labels", {}).get("kind") == "known_labels")


def answers(experiment: Mapping[str, Any]) -> bool:
    """Whether the attack is made against what is random in a model."""
    attack = experiment["attack"]
    stance, matched = (attack.get(name, {}).get("kind") for name in ("stance", "matched"))
    return stance in ("told", "solve", "read_off") or matched == "ahead"


def idle(experiment: Mapping[str, Any]) -> str:
    """That an attack against randomness meets a model without any, in a sentence; empty otherwise."""
    if not answers(experiment) or facts(experiment)["stochastic"]:
        return ""
    return "This attack is made against dropout or PRECODE, and the model has neither: the result says nothing of them."


def unmet(needs: Iterable[Need], known: Mapping[str, float]) -> list[str]:
    """The sentences of the needs that these facts do not meet."""
    return [need.why for need in needs if not need.met(known)]


def from_json(needs: Iterable[Mapping[str, Any]]) -> list[Need]:
    """Needs as the catalogue carries them."""
    return [Need(n["why"], tuple(Clause(**clause) for clause in n["any_of"])) for n in needs]


def between(fact: str, low: float | None, high: float | None, why: str, multiple: int | None = None) -> Need:
    """One fact within bounds."""
    return Need(why, (Clause(fact, low, high, multiple),))


def parts(value: Any) -> Iterable[Mapping[str, Any]]:
    """Every `{"kind": ...}` object inside an experiment's JSON, outermost first."""
    if isinstance(value, Mapping):
        if "kind" in value:
            yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from parts(inner)
