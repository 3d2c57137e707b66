"""What the attacker is assumed to know, as the lanes of a race in which it is otherwise. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from gradleak_core.config.knobs import find_entry, refusals
from gradleak_core.config.needs import facts
from gradleak_core.config.races import read_lane
from gradleak_core.types import JSON, Refused

REALISM = {
    "labels": "Labels: a server is not told them, but reads them off the last layer, most surely where none repeats.",
    "masks": "Dropout masks and noise: no client sends them; a mask can sometimes be read off the zeros of an update.",
    "statistics": "Batch statistics: clients seldom share them, but running averages before and after give them away.",
    "mode": "Mode: the server usually knows how its clients train, because it sends them the program.",
    "steps": "Local steps: their number is part of most protocols; the order of the pictures is not.",
    "first": "First layer: it holds most of the picture; few protocols let a client keep it back.",
    "last": "Last layer: it is personal in some protocols, and without it no label can be read off.",
    "batch": "Batch size: a server usually sets it; the papers' single picture is the attacker's best case.",
}
"""How realistic each assumption about the attacker is, in a sentence."""


NOT_READ_OFF = ("known_labels", "optimised_labels")
"""The label rules that do without the last layer's update."""


def hide_layer(layer: str) -> str:
    """Returns the text of a lane in which the attacker does not see the update of a layer."""
    return f"threat.hidden={quote(f'{layer}.*', safe='')}"


def assumptions(experiment: JSON, catalogue: JSON) -> dict[str, str]:
    """Returns a sentence on how realistic each assumption is, by the text of the lane in which it is otherwise."""
    found, lanes = {}, [experiment]
    for text, sentence in opposites(experiment, catalogue):
        try:
            lane = read_lane(text, experiment, catalogue)
        except Refused:
            continue
        if lane not in lanes and not refusals(lane, lane, catalogue):
            lanes.append(lane)
            found[text] = sentence
    return found


def opposites(experiment: JSON, catalogue: JSON) -> Iterator[tuple[str, str]]:
    """Yields the text of a lane for each thing that the attacker knows or does not know, and the sentence about it."""
    attack, threat, known = experiment["attack"], experiment["threat"], facts(experiment, catalogue)
    if "labels" in attack:
        told = attack["labels"]["kind"] == "known_labels"
        yield f"attack.labels={'row_sum' if told else 'known_labels'}", REALISM["labels"]
    if known["stochastic"] and "stance" in attack:
        yield f"attack.stance={'ignore' if attack['stance']['kind'] == 'told' else 'told'}", REALISM["masks"]
    if known["batch_norm"] and any(prior["kind"] == "batch_statistics" for prior in attack.get("priors", ())):
        yield f"threat.statistics={'unknown' if threat['statistics'] == 'told' else 'told'}", REALISM["statistics"]
    if known["batch_norm"] and known["train"]:
        yield f"threat.mode={'same' if threat['mode'] == 'eval' else 'eval'}", REALISM["mode"]
    if known["local_steps"] > 1:
        yield f"threat.local_steps={'known' if threat['local_steps'] == 'one' else 'one'}", REALISM["steps"]
    layers = find_entry("models", experiment["model"], catalogue).get("layers", [])
    if layers:
        yield hide_layer(layers[0]), REALISM["first"]
    if layers and attack.get("labels", {}).get("kind") in NOT_READ_OFF:
        yield hide_layer(layers[-1]), REALISM["last"]
    others = [f"sample:{name}" for name in catalogue["samples"] if f"sample:{name}" not in experiment["images"]]
    batch = [*experiment["images"], *others][:4] if len(experiment["images"]) == 1 else experiment["images"][:1]
    yield "&".join([*(f"image={quote(image, safe=':/')}" for image in batch), "label=own"]), REALISM["batch"]
