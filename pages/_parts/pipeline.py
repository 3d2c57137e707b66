"""The way of a gradient across the Lab: picture, model, update, defence, wire, attacker. Each opens its choices."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from gradleak_core.config import knobs
from gradleak_core.config.needs import local_steps
from gradleak_core.config.titles import attack_title
from gradleak_core.types import JSON
from pages._parts import forms, setup, teaching, texts
from pages._parts.defences import defences
from pages._parts.engine import catalogue
from pages._parts.images import images, opened_dialogs, show_dialog
from pages._parts.knowledge import KNOWLEDGE, knowledge, wire
from pages._parts.pictures import title
from pages._parts.speaking import st
from pages._parts.texts import note

FORMS = 420
"""Pixels of width that the forms of a station have, whatever is chosen there, so that they stay where they are."""


@dataclass(frozen=True)
class Station:
    """A station of the way: its title and icon, what is chosen there in a few words, and the forms that it opens."""

    title: str
    icon: str
    tell: Callable[[JSON], str]
    show: Callable[[], None]


def pipeline() -> None:
    """Shows the stations in a row. Each says what is chosen there, and opens the forms to choose something else."""
    experiment = setup.current()
    stations = {station.title.lower(): station for station in STATIONS}
    shown = {name: station for name, station in stations.items() if not teaching.hidden(name)}
    with st.container(horizontal=True, gap="xsmall", key="pipeline") if shown else nullcontext():
        for name, station in shown.items():
            lock = " :material/lock:" if teaching.locked(name) else ""
            label = f"**{station.title}{lock}** {texts.escaped(station.tell(experiment))}"
            key = f"station-{name}{opened_dialogs() if station.show is picture else ''}"
            with st.popover(label, icon=station.icon, width="stretch", key=key), st.container(width=FORMS):
                teaching.say_why(name)
                station.show()
    show_dialog()


def picture() -> None:
    """Shows the private pictures and the form that the client brings them into."""
    note("The attacker never sees the picture, only the update that it causes.")
    images()
    names = [name for name in ("size", "channels", "classes") if not teaching.hidden(name)]
    if names:
        with st.expander("Size and colours"):
            for name in names:
                own_field(name)


def model() -> None:
    """Shows which network the client trains, and how far it has been trained."""
    experiment = setup.current()
    forms.choose("Model", "models", "model", knobs.kind_of("models", experiment["model"], catalogue()), visible=False)
    row = knobs.find_entry("models", experiment["model"], catalogue())
    note(row["summary"])
    own_field("weights")
    with st.expander("Model in detail"):
        forms.fields(experiment["model"], row["knobs"], "model")


def update() -> None:
    """Shows how the client makes its update."""
    note("What the client computes from the picture and shares: one gradient, or the sum of several local steps.")
    forms.fields(setup.current()["client"], catalogue()["client"]["knobs"], "client")


def attacker() -> None:
    """Shows the attack, its iterations and restarts, and what the attacker knows."""
    experiment = setup.current()
    part = experiment["attack"]
    note(texts.assumption(experiment, catalogue()))
    forms.choose("Attack", "attacks", "attack", knobs.kind_of("attacks", part, catalogue()), visible=False)
    row = knobs.find_entry("attacks", part, catalogue())
    note(row["summary"])
    upper = [knob for knob in row["knobs"] if knob["name"] in ("steps", "restarts")]
    for column, knob in zip(st.columns(2), upper, strict=False):
        with column:
            forms.field(knob, part[knob["name"]], f"attack.{knob['name']}", explain=False)
    with st.expander("What do iterations and restarts mean?"):
        st.markdown("\n".join(f"- **{knob['label']}**: {knob['help']}" for knob in upper))
        own_field("seed")
    with st.expander("Attack in detail"):
        forms.fields(part, row["knobs"], "attack", leave_out=("steps", "restarts", *KNOWLEDGE))
    st.subheader("What the attacker knows")
    knowledge()


def own_field(name: str) -> None:
    """Shows the field of a knob that belongs to the experiment itself and to none of its parts."""
    knob = next(knob for knob in catalogue()["experiment"]["knobs"] if knob["name"] == name)
    forms.field(knob, setup.current()[name], name)


def tell_pictures(experiment: JSON) -> str:
    """Returns the title of the only picture, or how many there are."""
    chosen = experiment["images"]
    return title(chosen[0], catalogue()) if len(chosen) == 1 else f"{len(chosen)} pictures"


def tell_model(experiment: JSON) -> str:
    """Returns the model's title, and whether it has been trained."""
    title: str = knobs.find_entry("models", experiment["model"], catalogue())["title"]
    return f"{title}, trained" if experiment["weights"].get("epochs") else title


def tell_update(experiment: JSON) -> str:
    """Returns what the update is in a few words."""
    steps = local_steps(experiment)
    return "one gradient" if steps == 1 else f"{steps} local steps"


def tell_defences(experiment: JSON) -> str:
    """Returns the title of the only defence, or how many there are."""
    chosen = experiment["defences"]
    if len(chosen) == 1:
        return str(catalogue()["families"]["defences"][chosen[0]["kind"]]["title"])
    return f"{len(chosen)} defences" if chosen else "none"


def tell_wire(experiment: JSON) -> str:
    """Returns how much of the update reaches the attacker, in a few words."""
    rounds, hidden = experiment["threat"]["rounds"], texts.hidden(experiment)
    said = [f"{rounds} rounds"] if rounds > 1 else []
    said += [f"{len(hidden)} hidden"] if hidden else []
    return ", ".join(said) or "every layer"


STATIONS = (
    Station("Picture", ":material/image:", tell_pictures, picture),
    Station("Model", ":material/hub:", tell_model, model),
    Station("Update", ":material/difference:", tell_update, update),
    Station("Defence", ":material/shield:", tell_defences, defences),
    Station("Wire", ":material/lan:", tell_wire, wire),
    Station(
        "Attacker",
        ":material/person_search:",
        lambda experiment: attack_title(experiment["attack"], catalogue()),
        attacker,
    ),
)
