"""Sentences about a set-up and a run, in plain words, and how small print and errors are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradleak_core.config import knobs
from gradleak_core.config.differences import part_title, shown_value
from gradleak_core.config.needs import answers, facts, idle, local_steps, patterns
from gradleak_core.config.titles import attack_title
from gradleak_core.runs.service import NoRun, NotReady
from gradleak_core.translating import translate
from gradleak_core.types import JSON, Refused
from gradleak_core.verdicts import colour as status_colour
from pages._parts.speaking import st

WELCOME = "A client shares only a gradient. Watch its picture come back from it."


def colour(row: JSON) -> str:
    """Returns the colour of a run's status."""
    return status_colour(row["status"], row["result"] or {})


def assumption(experiment: JSON, catalogue: JSON) -> str:
    """Says what the attacker is assumed to know."""
    count, side = len(experiment["images"]), experiment["size"]
    colour = "colour" if experiment["channels"] == 3 else "grey"
    one, many = f"one {side} × {side} {colour} picture", f"{count} {colour} pictures of {side} × {side} at once"
    model = part_title(experiment["model"], catalogue)
    sentence = f"The attacker knows the {model}{training(experiment)} with all its weights and sees "
    sentence += f"{updates(experiment)}, made from {one if count == 1 else many}"
    titles = [part_title(part, catalogue) for part in experiment["defences"]]
    sentence += f" and changed by the {'defence' if len(titles) == 1 else 'defences'} {_and(titles)}" if titles else ""
    known = list(filter(None, knowledge(experiment, catalogue)))
    return f"{sentence}; it {_and(known)}." if known else f"{sentence}."


def updates(experiment: JSON) -> str:
    """Says how many updates the attacker sees, and which layers they lack."""
    rounds = experiment["threat"]["rounds"]
    said = "one update" if rounds == 1 else f"{rounds} updates, each from the server's next model"
    names = [escaped(pattern.removesuffix(".*")) for pattern in hidden(experiment)]
    return f"{said}, without {_and(names)}" if names else said


def hidden(experiment: JSON) -> list[str]:
    """Returns the patterns that name the parameters whose update the attacker does not see."""
    return list(dict.fromkeys(patterns(experiment["threat"]["hidden"])))


def knowledge(experiment: JSON, catalogue: JSON) -> Iterator[str]:
    """Yields what the attacker is told, infers or assumes. Each text completes "The attacker ..." and may be empty."""
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


MODE = "computes batch norm with the stored statistics, unlike the client"
STATISTICS = {
    "unknown": "",
    "told": "is told the batch statistics before each batch norm",
    "inferred": "infers the batch statistics from the running averages that the client shares",
}
STEPS = {
    "known": "knows that the client took {steps} local training steps",
    "one": "mistakes the client's {steps} local training steps for a single one",
}


def expectation(experiment: JSON, catalogue: JSON) -> str:
    """Says what is likely to happen, by a preset's promise if one applies."""
    preset = matching(experiment, catalogue)
    if experiment["fork"]:
        iteration = experiment["fork"].partition("@")[2]
        return f"This goes on from the guess of iteration {iteration}. Change something and run it."
    if preset is not None:
        return f"Expect that the {'defence' if holds(preset) else 'picture'} {promised(preset)}."
    if names := knobs.substitutes(experiment, catalogue):
        return f"Expect the {_and(names)} at best: that is what the client trained on."
    if facts(experiment, catalogue)["stochastic"] and answers(experiment):
        return "Expect a better picture than an attack that ignores the randomness would get."
    if without := idle(experiment, catalogue):
        return without
    if experiment["defences"]:
        return "The defence changes the update. The run shows how much it hides at this strength."
    if hidden(experiment):
        return "Expect a weaker picture the more layers are hidden. Which one matters most depends on the model."
    if training(experiment):
        return "Expect a weaker picture than with untrained weights: a trained model makes small gradients."
    if local_steps(experiment) > 1:
        return "Expect a weaker picture than from a single step: one update sums up several steps."
    if len(experiment["images"]) > 1:
        return "Expect some pictures blurred or missing: one update has to account for all of them."
    if experiment["attack"].get("optimiser", {}).get("kind") == "lbfgs" and facts(experiment, catalogue)["relu"]:
        return "Expect little: this attack needs smooth activations. With ReLU, Inverting Gradients does better."
    return "Nothing hides the update."


FREE = ("images", "labels", "seed")
"""Fields that may differ from a preset without voiding its promise."""


def matching(experiment: JSON, catalogue: JSON) -> JSON | None:
    """Returns the preset that equals this set-up but for pictures and seed."""
    for preset in catalogue["presets"]:
        same = len(preset["experiment"]["images"]) == len(experiment["images"])
        if same and preset["experiment"] | {field: experiment[field] for field in FREE} == experiment:
            return preset
    return None


def holds(preset: JSON) -> bool:
    """Returns whether a preset promises that the attack fails."""
    return bool(preset["promise"].startswith("hold"))


def promised(preset: JSON) -> str:
    """Says what a preset promises, and how soon."""
    said = str(preset["promise"]).replace("leaks in", "leaks: recognisable in")
    return f"{said.removesuffix(' s')}\N{NO-BREAK SPACE}s" if said.endswith(" s") else said


def altered(experiment: JSON, catalogue: JSON) -> str:
    """Says what the attack recovers at best, if that is not the private picture; else empty."""
    names = knobs.substitutes(experiment, catalogue)
    return f"At best this recovers the {_and(names)}. Scores are against the private picture." if names else ""


def client(experiment: JSON) -> str:
    """Says how the client computes, which is chosen elsewhere."""
    count, steps = len(experiment["images"]), local_steps(experiment)
    mode = "train" if experiment["client"].get("train") else "eval"
    return (
        f"The client computes in {mode} mode on {count} {'picture' if count == 1 else 'pictures'}, in {steps} local "
        f"{'step' if steps == 1 else 'steps'}. The attacker knows this. Change it under Picture and Model."
    )


def training(experiment: JSON) -> str:
    """Says, after the model's name, how long the model has been trained; empty if it has not."""
    weights = experiment.get("weights") or {}
    epochs = weights.get("epochs", 0)
    set_name = escaped(str(weights.get("dataset")))
    return f", trained on {set_name} for {epochs} epoch{'s' * (epochs > 1)}," if epochs else ""


def ingredients(experiment: JSON, catalogue: JSON) -> str:
    """Names model, attack and defences of a run in one line, with the numbers of pictures, restarts and local steps."""
    model = part_title(experiment["model"], catalogue)
    attack = attack_title(experiment["attack"], catalogue)
    titles = [shown_value(part, catalogue) for part in experiment["defences"]]
    counts = {
        "pictures": len(experiment["images"]),
        "restarts": experiment["attack"].get("restarts", 1),
        "local steps": local_steps(experiment),
    }
    several = [f"{count} {what}" for what, count in counts.items() if count > 1]
    return ", ".join([model, attack, *several, _and(titles) if titles else "no defence"])


def table(head: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table. (`st.table` would load pandas, which doubles the server's memory.)"""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def segment(choice: Any) -> str:
    """Returns the label of a segment in the theme's text colour, since the main colour is too faint on itself."""
    return f":gray[{str(choice).replace('_', ' ')}]"


def escaped(text: str) -> str:
    """Escapes a user's text for Markdown."""
    return "".join("\\" + letter if letter in r"\`*_{}[]()#+-.!|<>$:~&" else letter for letter in text)


def note(text: str) -> None:
    """Shows small print: a smaller line in the full colour of the text, which `st.caption` would fade."""
    st.markdown(f":small[{translate(text)}]")


@contextmanager
def refusing(place: str, path: str = "", label: str = "") -> Iterator[None]:
    """While it is entered, an error that the user can understand ends the block and is kept for `show_refusal`.

    It names a knob by the label that its form shows, and not by its path. What was refused there before is forgotten.
    """
    st.session_state.pop(f"refusal:{place}", None)
    try:
        yield
    except (Refused, NotReady, NoRun) as error:
        st.session_state[f"refusal:{place}"] = str(error).replace(path, label, 1)


def show_refusal(place: str, otherwise: str = "") -> None:
    """Shows why what was last asked for at a place was refused, until it is asked for again; else a note, if any."""
    if said := st.session_state.get(f"refusal:{place}"):
        st.error(escaped(said), icon=":material/error:")
    elif otherwise:
        note(otherwise)


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}"
