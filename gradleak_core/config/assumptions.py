"""What the attacker is assumed to know, as the lanes of a race in which it is otherwise. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from gradleak_core.config.knobs import find_entry, refusals
from gradleak_core.config.needs import facts
from gradleak_core.config.races import read_lane
from gradleak_core.types import JSON, Refused


@dataclass(frozen=True)
class Assumption:
    """A thing that an attacker is assumed to have, with a sentence on how realistic that is.

    `model` is the weakest threat model of the SoK that has it, one of `THREAT_MODELS`; empty where none speaks of it.
    """

    model: str
    realism: str


SOK = "Carletti et al., “SoK: Gradient Inversion Attacks in Federated Learning”, USENIX Security 2025"
"""The source of the letters. Its authors keep the table at github.com/gparrella12/sok_gias_fl."""
THREAT_MODELS = {
    "A": "the updates alone",
    "B": "basic knowledge, such as that pictures are smooth",
    "C": "details of the training",
    "D": "similar data",
    "E": "statistics of the client's own data",
}
"""The thing that each of the SoK's eavesdroppers has besides what the one before it has, by the SoK's letters.

The models F, G and H also change the network or choose the clients, which no attacker here does.
"""
ASSUMPTIONS = {
    "labels": Assumption(
        "", "Labels: a server is not told them, but reads them off the last layer, most surely where none repeats."
    ),
    "masks": Assumption(
        "", "Dropout masks and noise: no client sends them; a mask can sometimes be read off the zeros of an update."
    ),
    "statistics": Assumption(
        "E", "Batch statistics: clients seldom share them, but running averages before and after give them away."
    ),
    "mode": Assumption("C", "Mode: the server usually knows how its clients train, because it sends them the program."),
    "steps": Assumption("C", "Local steps: their number is part of most protocols; the order of the pictures is not."),
    "first": Assumption(
        "A", "First layer: in a small network much of the picture hangs on it; few protocols let a client keep it back."
    ),
    "last": Assumption("A", "Last layer: it is personal in some protocols, and without it no label can be read off."),
    "batch": Assumption(
        "", "Batch size: a server usually sets it; the papers' single picture is the attacker's best case."
    ),
}
"""The assumptions that a lane can take away or add."""

NOT_READ_OFF = ("known_labels", "optimised_labels")
"""The label rules that do without the last layer's update."""


def hide_layer(layer: str) -> str:
    """Returns the text of a lane in which the attacker does not see the update of a layer."""
    return f"threat.hidden={quote(f'{layer}.*', safe='')}"


def assumptions(experiment: JSON, catalogue: JSON) -> dict[str, Assumption]:
    """Returns the assumptions about an attacker, each by the text of the lane in which it is otherwise."""
    found, lanes = {}, [experiment]
    for text, assumption in opposites(experiment, catalogue):
        try:
            lane = read_lane(text, experiment, catalogue)
        except Refused:
            continue
        if lane not in lanes and not refusals(lane, lane, catalogue):
            lanes.append(lane)
            found[text] = assumption
    return found


def opposites(experiment: JSON, catalogue: JSON) -> Iterator[tuple[str, Assumption]]:
    """Yields the text of a lane for each thing that the attacker knows or does not know, and the assumption."""
    attack, threat, known = experiment["attack"], experiment["threat"], facts(experiment, catalogue)
    if "labels" in attack:
        told = attack["labels"]["kind"] == "known_labels"
        yield f"attack.labels={'row_sum' if told else 'known_labels'}", ASSUMPTIONS["labels"]
    if known["stochastic"] and "stance" in attack:
        yield f"attack.stance={'ignore' if attack['stance']['kind'] == 'told' else 'told'}", ASSUMPTIONS["masks"]
    if known["batch_norm"] and any(prior["kind"] == "batch_statistics" for prior in attack.get("priors", ())):
        yield f"threat.statistics={'unknown' if threat['statistics'] == 'told' else 'told'}", ASSUMPTIONS["statistics"]
    if known["batch_norm"] and known["train"]:
        yield f"threat.mode={'same' if threat['mode'] == 'eval' else 'eval'}", ASSUMPTIONS["mode"]
    if known["local_steps"] > 1:
        yield f"threat.local_steps={'known' if threat['local_steps'] == 'one' else 'one'}", ASSUMPTIONS["steps"]
    layers = find_entry("models", experiment["model"], catalogue).get("layers", [])
    if layers:
        yield hide_layer(layers[0]), ASSUMPTIONS["first"]
    if layers and attack.get("labels", {}).get("kind") in NOT_READ_OFF:
        yield hide_layer(layers[-1]), ASSUMPTIONS["last"]
    others = [f"sample:{name}" for name in catalogue["samples"] if f"sample:{name}" not in experiment["images"]]
    batch = [*experiment["images"], *others][:4] if len(experiment["images"]) == 1 else experiment["images"][:1]
    yield "&".join([*(f"image={quote(image, safe=':/')}" for image in batch), "label=own"]), ASSUMPTIONS["batch"]
