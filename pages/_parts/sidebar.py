"""The Lab's set-up, from presets down to the last knob."""

from __future__ import annotations

import streamlit as st

from gradleak_core.config import knobs
from pages._parts import forms, setup
from pages._parts.defences import defences
from pages._parts.engine import catalogue
from pages._parts.images import images
from pages._parts.knowledge import KNOWLEDGE, knowledge
from pages._parts.note import note
from pages._parts.presets import presets

EXPERIMENT = ("size", "channels", "classes")


def sidebar() -> None:
    """Shows presets, picture, model, defences, attack and its knowledge; everything else is one level deeper."""
    with st.expander("Start from", expanded=True, icon=":material/auto_awesome:"):
        presets()
    st.subheader("Picture")
    images()
    st.subheader("Model")
    model()
    st.subheader("Defences")
    defences()
    st.subheader("Attack")
    attack()
    st.subheader("What the attacker knows")
    knowledge()


def model() -> None:
    """Shows which network the client trains, and how."""
    experiment = setup.current()
    forms.choose("Model", "models", "model", knobs.kind_of("models", experiment["model"], catalogue()), visible=False)
    row = knobs.find_entry("models", experiment["model"], catalogue())
    note(row["summary"])
    with st.expander("Model and picture size in detail"):
        own = {knob["name"]: knob for knob in catalogue()["experiment"]["knobs"]}
        for name in EXPERIMENT:
            if name in own:
                forms.field(own[name], experiment[name], name)
        forms.fields(experiment["model"], row["knobs"], "model")
        if "weights" in own:
            forms.field(own["weights"], experiment["weights"], "weights")
    with st.expander("The client's training"):
        forms.fields(experiment["client"], catalogue()["client"]["knobs"], "client")


def attack() -> None:
    """Shows the attack, its iterations and restarts, and its parts in detail."""
    experiment = setup.current()
    part = experiment["attack"]
    forms.choose("Attack", "attacks", "attack", knobs.kind_of("attacks", part, catalogue()), visible=False)
    row = knobs.find_entry("attacks", part, catalogue())
    note(row["summary"])
    upper = [knob for knob in row["knobs"] if knob["name"] in ("steps", "restarts")]
    left, right = st.columns(2)
    for column, knob in zip((left, right), upper, strict=False):
        with column:
            forms.field(knob, part[knob["name"]], f"attack.{knob['name']}", explain=False)
    with st.expander("What do iterations and restarts mean?"):
        st.markdown("\n".join(f"- **{knob['label']}**: {knob['help']}" for knob in upper))
        seed = next((knob for knob in catalogue()["experiment"]["knobs"] if knob["name"] == "seed"), None)
        if seed is not None:
            forms.field(seed, experiment["seed"], "seed")
    with st.expander("Attack in detail"):
        forms.fields(part, row["knobs"], "attack", leave_out=("steps", "restarts", *KNOWLEDGE))
