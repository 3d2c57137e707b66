"""The facts of an experiment, from its JSON, and what each part needs of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from gradleak_core.config.schemas import rows_of
from gradleak_core.types import Clause, Need

FACTS = {
    "batch": "images in the batch",
    "size": "pixels a side",
    "patches": "patches a side, for a model that cuts the image into them; else pixels a side",
    "channels": "1 for grey, 3 for colour",
    "classes": "number of classes",
    "local_steps": "local SGD steps in one update",
    "step_images": "images in the smallest local step",
    "train": "1 when the client computes in train mode",
    "repeated_labels": "labels that occur again in the batch, when they are given",
    "bias": "1 when the classifier has a bias",
    "weight_seen": "1 when the attacker sees the update of the classifier's weight",
    "bias_seen": "1 when the classifier has a bias and the attacker sees its update",
    "layers_seen": "layers of which the attacker sees the update, at least in part",
    "stochastic": "number of parts that draw inside the model, such as dropout",
    "batch_norm": "1 when the model has batch norm",
    "relu": "1 when the model has ReLUs",
    "linear_first": "1 when the model begins with a linear layer",
    "rounds": "updates of the same batch that the attacker has",
    "inferable": "0 when batch statistics are to be inferred from what does not tell them",
}


def facts(experiment: Mapping[str, Any], catalogue: Mapping[str, Any]) -> dict[str, float]:
    """Returns every fact of `FACTS` as a number. Facts that a part brings along are counted from its row."""
    client, model = experiment["client"], experiment["model"]
    batch, labels = len(experiment["images"]), experiment.get("labels") or []
    threat = experiment.get("threat", {})
    local, steps = largest_step(experiment), local_steps(experiment)
    rows = (row for part in parts(experiment) for row in rows_of(part, catalogue["families"]))
    brought = [fact for row in rows for fact in row.get("facts", ())]
    return {
        "batch": batch,
        "size": experiment["size"],
        "patches": experiment["size"] / model.get("patch", 1),
        "channels": experiment["channels"],
        "classes": experiment["classes"],
        "local_steps": steps,
        "step_images": batch % max(local, 1) or local,
        "train": float(bool(client.get("train", False))),
        "repeated_labels": len(labels) - len(set(labels)),
        "bias": float(bool(model.get("bias", True))),
        "weight_seen": sees(threat, "classifier.weight"),
        "bias_seen": float(bool(model.get("bias", True))) * sees(threat, "classifier.bias"),
        "layers_seen": layers_seen(experiment, catalogue) + brought.count("stochastic"),
        "stochastic": brought.count("stochastic"),
        "batch_norm": float("batch_norm" in brought),
        "relu": float(model.get("activation") == "relu" or "relu" in brought),
        "linear_first": float("linear_first" in brought),
        "rounds": threat.get("rounds", 1),
        "inferable": float(threat.get("statistics") != "inferred" or (client.get("train", False) and steps == 1)),
    }


def sees(threat: Mapping[str, Any], parameter: str) -> float:
    """Returns 1 when the threat model shows a parameter's update to the attacker, else 0."""
    return float(not any(fnmatchcase(parameter, pattern) for pattern in patterns(threat.get("hidden", ""))))


def layers_seen(experiment: Mapping[str, Any], catalogue: Mapping[str, Any]) -> float:
    """Returns how many of the model's own layers are not hidden as a whole; at most 1 where their names are unknown."""
    row = catalogue["families"]["models"].get(experiment["model"].get("kind"), {})
    return sum(sees(experiment.get("threat", {}), f"{layer}.") for layer in row.get("layers", ("",)))


def patterns(hidden: str) -> list[str]:
    """Returns the patterns of a text such as `classifier.*, conv1.weight`."""
    return [name for name in map(str.strip, hidden.split(",")) if name]


def largest_step(experiment: Mapping[str, Any]) -> int:
    """Returns the number of images in a full local step."""
    batch = len(experiment["images"])
    return min(experiment["client"].get("local_batch", 0) or batch, batch)


def local_steps(experiment: Mapping[str, Any]) -> int:
    """Returns the number of local steps that one update sums up."""
    epochs: int = experiment["client"].get("local_epochs", 1)
    return epochs * -(-len(experiment["images"]) // max(largest_step(experiment), 1))


def labels_revealed(experiment: Mapping[str, Any]) -> bool:
    """Returns whether the attacker is told the labels."""
    return bool(experiment["attack"].get("labels", {}).get("kind") == "known_labels")


def answers(experiment: Mapping[str, Any]) -> bool:
    """Returns whether the attack is made against randomness in a model."""
    attack = experiment["attack"]
    stance, matched = (attack.get(name, {}).get("kind") for name in ("stance", "matched"))
    return stance in ("told", "solve", "read_off") or matched == "ahead"


def idle(experiment: Mapping[str, Any], catalogue: Mapping[str, Any]) -> str:
    """Says that an attack against randomness meets a model without any; else empty."""
    if not answers(experiment) or facts(experiment, catalogue)["stochastic"]:
        return ""
    return "This attack is made against dropout or PRECODE, but the model has neither: the result says nothing of them."


def unmet(needs: Iterable[Need], known: Mapping[str, float]) -> list[str]:
    """Returns the sentences of the needs that these facts do not meet."""
    return [need.why for need in needs if not need.met(known)]


def from_json(needs: Iterable[Mapping[str, Any]]) -> list[Need]:
    """Reads needs as the catalogue carries them."""
    return [Need(n["why"], tuple(Clause(**clause) for clause in n["any_of"])) for n in needs]


def between(fact: str, low: float | None, high: float | None, why: str, multiple: int | None = None) -> Need:
    """Returns the need that one fact lies within bounds."""
    return Need(why, (Clause(fact, low, high, multiple),))


def parts(value: Any) -> Iterable[Mapping[str, Any]]:
    """Yields every `{"kind": ...}` object inside an experiment's JSON, outermost first."""
    if isinstance(value, Mapping):
        if "kind" in value:
            yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from parts(inner)
