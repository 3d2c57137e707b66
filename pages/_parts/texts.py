"""Sentences about a set-up and a run, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradleak_core.config import knobs
from gradleak_core.config.needs import answers, facts, idle, local_steps
from gradleak_core.config.titles import attack_title
from gradleak_core.verdicts import colour as status_colour
from pages._parts.presets import holds, matching

JSON = Any

WELCOME = "A client shares only a gradient. Watch its picture come back from it."


def colour(row: JSON) -> str:
    """Returns the colour of a run's status."""
    return status_colour(row["status"], ((row["result"] or {}).get("metrics") or {}).get("ssim"))


def assumption(experiment: JSON, catalogue: JSON) -> str:
    """What the attacker is assumed to know."""
    families = catalogue["families"]
    count, side = len(experiment["images"]), experiment["size"]
    colour = "colour" if experiment["channels"] == 3 else "grey"
    one, many = f"one {side} × {side} {colour} picture", f"{count} {colour} pictures of {side} × {side} at once"
    model = knobs.find_entry("models", experiment["model"], catalogue)["title"]
    sentence = f"The attacker knows the {model}{training(experiment)} with all its weights and sees "
    sentence += f"{updates(experiment)}, made from {one if count == 1 else many}"
    titles = [families["defences"][part["kind"]]["title"] for part in experiment["defences"]]
    sentence += f" and changed by the {'defence' if len(titles) == 1 else 'defences'} {_and(titles)}" if titles else ""
    known = list(filter(None, knowledge(experiment, catalogue)))
    return f"{sentence}; it {_and(known)}." if known else f"{sentence}."


def updates(experiment: JSON) -> str:
    """How many updates the attacker sees, and without which layers."""
    rounds = experiment["threat"]["rounds"]
    said = "one update" if rounds == 1 else f"{rounds} updates, each from the next model"
    names = [escaped(pattern.removesuffix(".*")) for pattern in hidden(experiment)]
    return f"{said}, without {_and(names)}" if names else said


def hidden(experiment: JSON) -> list[str]:
    """The patterns that name what the attacker does not see."""
    return list(dict.fromkeys(filter(None, map(str.strip, experiment["threat"]["hidden"].split(",")))))


def knowledge(experiment: JSON, catalogue: JSON) -> Iterator[str]:
    """What it is told, finds out or takes for granted; each completes "The attacker ..." and may be empty."""
    families, attack, threat = catalogue["families"], experiment["attack"], experiment["threat"]
    known, steps = facts(experiment, catalogue), local_steps(experiment)
    if "labels" in attack:
        yield families["labels"][attack["labels"]["kind"]]["knows"]
    if known["stochastic"] and "stance" in attack:
        stance = families["stances"][attack["stance"]["kind"]]["knows"]
        yield stance or "computes as if nothing in the model were random"
    if known["batch_norm"]:
        yield MODE if threat["mode"] == "eval" and known["train"] else ""
        yield STATISTICS[threat["statistics"]]
    if steps > 1:
        yield STEPS[threat["local_steps"]].format(steps=steps)


MODE = "computes batch norm by the stored statistics, unlike the client"
STATISTICS = {
    "unknown": "",
    "told": "is told the batch's statistics before each batch norm",
    "inferred": "infers the batch's statistics from the running ones that are shared",
}
STEPS = {
    "known": "knows that the client took {steps} local training steps",
    "one": "takes the client's {steps} local training steps for a single one",
}


def expectation(experiment: JSON, catalogue: JSON) -> str:
    """What is likely to happen, from the presets' promises where one applies."""
    preset = matching(experiment)
    if preset is not None:
        return f"Expect that the {'defence' if holds(preset) else 'picture'} {promised(preset)}."
    if names := substitutes(experiment, catalogue):
        return f"Expect the {_and(names)} at best: that is what the client has trained on."
    if opposed(experiment, catalogue):
        return "Expect more than an attacker gets who ignores the randomness: this attack is made against it."
    if without := idle(experiment, catalogue):
        return without
    if experiment["defences"]:
        return "The defence changes the update; the run shows how much it hides at this strength."
    if hidden(experiment):
        return "Expect a weaker picture the more layers are hidden, above all the first one."
    if training(experiment):
        return "Expect a weaker picture than from fresh weights: what a model has learnt leaves small gradients."
    if local_steps(experiment) > 1:
        return "Expect a weaker picture than from a single step: several steps are summed up in one update."
    if len(experiment["images"]) > 1:
        return "Expect some pictures blurred or missing: one update has to account for all of them."
    if rough(experiment, catalogue):
        return "Expect little: this attack needs smooth activations, and on ReLU Inverting Gradients does better."
    return "Nothing hides the update: expect the picture to come back, if this attack suits this model."


def rough(experiment: JSON, catalogue: JSON) -> bool:
    """Whether a search by L-BFGS meets a network of ReLUs."""
    optimiser = experiment["attack"].get("optimiser", {})
    return optimiser.get("kind") == "lbfgs" and bool(facts(experiment, catalogue)["relu"])


def promised(preset: JSON) -> str:
    """A preset's promise, and from when on it is kept."""
    said = str(preset["promise"]).replace("leaks in", "leaks: recognisable in")
    return f"{said.removesuffix(' s')}\N{NO-BREAK SPACE}s" if said.endswith(" s") else said


def opposed(experiment: JSON, catalogue: JSON) -> bool:
    """Whether the attack has an answer to what is random in the model."""
    return bool(facts(experiment, catalogue)["stochastic"]) and answers(experiment)


def altered(experiment: JSON, catalogue: JSON) -> str:
    """What comes back at best, in a sentence, where it is not the private picture; empty otherwise."""
    names = substitutes(experiment, catalogue)
    return f"At best the {_and(names)} comes back; the numbers compare with the private picture." if names else ""


def substitutes(experiment: JSON, catalogue: JSON) -> list[str]:
    """Returns what the client trains on in place of the private picture, if it does not train on that."""
    rows = (knobs.entry("defences", part, catalogue) for part in experiment["defences"])
    return list(dict.fromkeys(filter(None, (row.get("instead") for row in rows))))


def client(experiment: JSON) -> str:
    """How the client computes, which is chosen elsewhere."""
    count, steps = len(experiment["images"]), local_steps(experiment)
    mode = "train" if experiment["client"].get("train") else "eval"
    return (
        f"The client computes in {mode} mode on {count} {'picture' if count == 1 else 'pictures'}, in {steps} local "
        f"{'step' if steps == 1 else 'steps'}, and the attacker knows it. It is set under Picture and Model."
    )


def training(experiment: JSON) -> str:
    """How far the model has been trained, to be said after its name; empty when not at all."""
    weights = experiment.get("weights") or {}
    epochs = weights.get("epochs", 0)
    set_name = escaped(str(weights.get("dataset")))
    return f", trained on {set_name} for {epochs} epoch{'s' * (epochs > 1)}," if epochs else ""


def ingredients(experiment: JSON, catalogue: JSON) -> str:
    """Model, attack and defences of a run in one line, and how many pictures, restarts and local steps if several."""
    model = _title("models", experiment["model"], catalogue)
    attack = attack_title(experiment["attack"], catalogue)
    titles = [_title("defences", part, catalogue) + strength(part) for part in experiment["defences"]]
    counts = {
        "pictures": len(experiment["images"]),
        "restarts": experiment["attack"].get("restarts", 1),
        "local steps": local_steps(experiment),
    }
    several = [f"{count} {what}" for what, count in counts.items() if count > 1]
    return ", ".join([model, attack, *several, _and(titles) if titles else "no defence"])


def strength(part: JSON) -> str:
    """The numbers of a part, to be said after its title; empty when it has none."""
    numbers = [f"{name.replace('_', ' ')} {value:g}" for name, value in part.items() if type(value) in (int, float)]
    return f" ({', '.join(numbers)})" if numbers else ""


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


def segment(choice: Any) -> str:
    """The label of a segment in the theme's grey, which is its text colour: on itself the main colour is too faint."""
    return f":gray[{str(choice).replace('_', ' ')}]"


def escaped(text: str) -> str:
    """User text inside Markdown."""
    return "".join("\\" + letter if letter in r"\`*_{}[]()#+-.!|<>$:~" else letter for letter in text)


def _title(family: str, part: JSON, catalogue: JSON) -> str:
    name = knobs.kind_of(family, part, catalogue)
    row = catalogue["families"][family].get(name)
    return str(row["title"]) if row else name


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}"
