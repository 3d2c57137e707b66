"""Sentences about a set-up and a run, in plain words."""

from __future__ import annotations

from typing import Any

from gradleak_core import knobs
from pages._parts.presets import matching

JSON = Any

STATUS = {
    "queued": "Waiting for its turn",
    "running": "Running",
    "paused": "Paused",
    "done": "Finished: every iteration was used",
    "recovered": "Finished early: the update was matched",
    "diverged": "Gave up: no guess was left that made sense",
    "stopped": "Stopped by hand",
    "failed": "Failed",
    "interrupted": "Cut off when the server stopped",
}
SHORT = {
    "queued": "Waiting", "running": "Running", "paused": "Paused", "done": "Finished", "recovered": "Matched",
    "diverged": "Gave up", "stopped": "Stopped", "failed": "Failed", "interrupted": "Cut off",
}  # fmt: skip
COLOURS = {
    "done": "green", "recovered": "green", "running": "primary", "paused": "orange", "queued": "gray",
    "diverged": "orange", "stopped": "gray", "failed": "red", "interrupted": "orange",
}  # fmt: skip


def assumption(experiment: JSON, catalogue: JSON) -> str:
    """What the attacker is assumed to know."""
    families = catalogue["families"]
    count, side = len(experiment["images"]), experiment["size"]
    colour = "colour" if experiment["channels"] == 3 else "grey"
    one, many = f"one {side} × {side} {colour} picture", f"{count} {colour} pictures of {side} × {side} mixed together"
    pictures = one if count == 1 else many
    model = knobs.entry("models", experiment["model"], catalogue)["title"]
    sentence = f"The attacker knows the {model}{training(experiment)} with all its weights and sees one update, "
    sentence += f"made from {pictures}"
    titles = [families["defences"][part["kind"]]["title"] for part in experiment["defences"]]
    sentence += f" and changed by the {'defence' if len(titles) == 1 else 'defences'} {_and(titles)}" if titles else ""
    labels = experiment["attack"].get("labels")
    knows = labels and families["labels"][labels["kind"]].get("knows")
    sentence += f"; it {knows}" if knows else ""
    steps = local_steps(experiment)
    return sentence + (f", and knows that the client took {steps} local training steps." if steps > 1 else ".")


def expectation(experiment: JSON, catalogue: JSON) -> str:
    """What is likely to happen, from the presets' promises where one applies."""
    preset = matching(experiment)
    if preset is not None:
        what = "the defence" if preset["promise"].startswith("hold") else "the picture"
        return f"Expect that {what} {preset['promise']}."
    if experiment["defences"]:
        return "Expect a weaker picture than without the defence, or none at all: that is what is being tested."
    if training(experiment):
        return "Expect a weaker picture than from fresh weights: what a model has learnt leaves small gradients."
    if len(experiment["images"]) > 1:
        return "Expect some pictures blurred or missing: one update has to account for all of them."
    if local_steps(experiment) > 1:
        return "Expect a weaker picture than from a single step: several steps are summed up in one update."
    return "Nothing hides the update: expect the picture to come back, if this attack suits this model."


def training(experiment: JSON) -> str:
    """How far the model has been trained, to be said after its name; empty when not at all."""
    weights = experiment.get("weights") or {}
    epochs = weights.get("epochs", 0)
    set_name = escaped(str(weights.get("dataset")))
    return f", trained on {set_name} for {epochs} epoch{'s' * (epochs > 1)}," if epochs else ""


def local_steps(experiment: JSON) -> int:
    client, batch = experiment["client"], len(experiment["images"])
    local = min(client.get("local_batch", 0) or batch, batch)
    return int(client.get("local_epochs", 1)) * -(-batch // max(local, 1))


def ingredients(experiment: JSON, catalogue: JSON) -> str:
    """Model, attack and defences of a run in one line."""
    model = _title("models", experiment["model"], catalogue)
    attack = _title("attacks", experiment["attack"], catalogue)
    titles = [_title("defences", part, catalogue) for part in experiment["defences"]]
    return f"{model}, {attack}, " + (_and(titles) if titles else "no defence")


def duration(seconds: float) -> str:
    """Short, in words: 0.8 s, 12 s, 3 min 5 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def small(value: float) -> str:
    """Four digits; below a thousandth as 2.7 × 10⁻⁶."""
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.4g}"
    digits, power = f"{value:.1e}".split("e-")
    return f"{digits} × 10⁻" + str(int(power)).translate(RAISED)


RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table. (`st.table` would load pandas, which doubles the memory of the server.)"""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def escaped(text: str) -> str:
    """User text inside Markdown."""
    return "".join("\\" + letter if letter in r"\`*_{}[]()#+-.!|<>$:~" else letter for letter in text)


def _title(family: str, part: JSON, catalogue: JSON) -> str:
    rows = catalogue["families"][family]
    row = rows.get(part["kind"]) or rows.get(part.get("name"))
    return str(row["title"] if row else part.get("name") or part["kind"])


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}"
