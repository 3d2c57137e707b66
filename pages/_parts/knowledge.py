"""The threat model: every switch of what the attacker knows, with one sentence each."""

from __future__ import annotations

from gradleak_core.config import knobs
from gradleak_core.config.needs import facts
from gradleak_core.types import JSON
from pages._parts import forms, setup, teaching, texts
from pages._parts.engine import catalogue
from pages._parts.speaking import st
from pages._parts.texts import note

KNOWLEDGE = ("labels", "stance")
"""The parts of an attack that say what it is told; the threat model has the rest."""
ON_THE_WIRE = ("hidden", "rounds")
"""The knobs of the threat model that say which updates reach the attacker."""


def knowledge() -> None:
    """Shows what the attacker knows besides the update: labels first; randomness, steps and statistics beneath."""
    experiment = setup.current()
    attack, threat = experiment["attack"], experiment["threat"]
    own = {knob["name"]: knob for knob in knobs.find_entry("attacks", attack, catalogue())["knobs"]}
    idle = idleness(experiment)
    if "labels" in attack:
        forms.field(own["labels"], attack["labels"], "attack.labels")
    with st.expander("Randomness, local steps and batch norm"):
        if "stance" in attack:
            forms.field(own["stance"], attack["stance"], "attack.stance")
            unused("stance", idle)
        for knob in catalogue()["threat"]["knobs"]:
            name = knob["name"]
            if name not in ON_THE_WIRE:
                forms.field(knob, threat[name], f"threat.{name}")
                unused(name, idle)
        note(texts.client(experiment))


def wire() -> None:
    """Shows which updates reach the attacker, and which layers they lack."""
    experiment = setup.current()
    for knob in catalogue()["threat"]["knobs"]:
        if knob["name"] == "hidden" and not teaching.hidden("threat.hidden"):
            layers(knob, experiment)
        elif knob["name"] == "rounds":
            forms.field(knob, experiment["threat"][knob["name"]], f"threat.{knob['name']}")


def layers(knob: JSON, experiment: JSON) -> None:
    """Offers the model's layers to hide. The name of any other parameter can be typed."""
    chosen = texts.hidden(experiment)
    listed = knobs.find_entry("models", experiment["model"], catalogue()).get("layers", [])
    options = list(dict.fromkeys([*(f"{layer}.*" for layer in listed), *chosen]))
    key = forms.keep("knob:threat.hidden", chosen)
    st.multiselect(
        knob["label"], options, chosen, key=key, accept_new_options=True, on_change=hide, args=(key,),
        format_func=lambda pattern: pattern.removesuffix(".*"), placeholder="None: the attacker sees every layer",
        disabled=teaching.locked("threat.hidden"),
    )  # fmt: skip
    note("Layers whose update the attacker does not see. You can also type a single parameter, such as conv1.bias.")


def hide(key: str) -> None:
    setup.change("threat.hidden", ", ".join(st.session_state[key]))


def idleness(experiment: JSON) -> dict[str, str]:
    """Returns the switches that change nothing in this set-up, with the reason."""
    known = facts(experiment, catalogue())
    idle = {} if known["stochastic"] else {"stance": "Nothing in this client's model is random"}
    if known["local_steps"] == 1:
        idle["local_steps"] = "The client takes one step"
    if not known["batch_norm"]:
        idle |= dict.fromkeys(("mode", "statistics"), "This model has no batch norm")
    elif "batch_statistics" not in [prior["kind"] for prior in experiment["attack"].get("priors", [])]:
        idle["statistics"] = "This attack has no prior on batch statistics"
    return idle


def unused(name: str, idle: dict[str, str]) -> None:
    if name in idle:
        note(f"{idle[name]}, so this changes nothing here.")
