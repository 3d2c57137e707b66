"""The set-ups to start from, each with its picture and its promise."""

from __future__ import annotations

import copy

from gradleak_core.config.races import lane_text
from gradleak_core.types import JSON
from pages._parts import setup, teaching
from pages._parts.engine import catalogue
from pages._parts.picture_button import picture_button
from pages._parts.pictures import BLANK, sheet, thumbnail
from pages._parts.speaking import st
from pages._parts.texts import holds, matching, note


def presets() -> None:
    """Shows the presets that leak, then those whose defence holds."""
    if teaching.hidden("presets"):
        return
    teaching.say_why("presets")
    current = matching(setup.current(), catalogue())
    for title, held in (("The picture leaks", False), ("The defence holds", True)):
        with st.container(gap="xxsmall"):
            note(title)
            for preset in catalogue()["presets"]:
                if holds(preset) is held:
                    one(preset, preset is current)


def one(preset: JSON, chosen: bool) -> None:
    """Shows one preset as its picture and its title, both of which can be pressed."""
    with st.container(horizontal=True, wrap=False, gap="xsmall", vertical_alignment="center"):
        name, leads_to = preset["name"], pressed(preset["experiment"], setup.current())
        wanted, shown = (preset, leads_to), picture(leads_to["images"])
        picture_button(shown, width=32, key=f"picture:{name}", on_click=choose, args=wanted)
        st.button(
            preset["title"], key=f"preset:{name}", width="stretch", type="primary" if chosen else "secondary",
            on_click=choose, args=wanted, disabled=out_of_reach(leads_to),
            help=teaching.STAYS if out_of_reach(leads_to) else None,
        )  # fmt: skip


def out_of_reach(experiment: JSON) -> bool:
    """Returns whether a lock or what is hidden keeps a preset from the attack or the defences that it is there for."""
    return teaching.locked("presets") or promise(setup.allowed(experiment)) != promise(experiment)


def promise(experiment: JSON) -> list[str]:
    """Returns the kinds of a set-up's attack and defences, of which a preset's title speaks."""
    return [experiment["attack"]["kind"], *(defence["kind"] for defence in experiment["defences"])]


def picture(references: list[str]) -> str:
    """Returns the only picture, or the first four of a batch as one; a blank where the private one is hidden."""
    if teaching.hidden("truth"):
        return BLANK
    return thumbnail(references[0]) if len(references) == 1 else sheet(tuple(references[:4]))


def choose(preset: JSON, experiment: JSON) -> None:
    """Replaces the set-up by that to which a preset leads. A run on show leaves the page, and the page offers it."""
    if out_of_reach(experiment):
        return
    lanes = [lane_text(lane, preset["experiment"], catalogue()) for lane in preset.get("against", ())]
    setup.take(experiment, setup.shown(), lanes)


def pressed(experiment: JSON, before: JSON) -> JSON:
    """Returns what pressing a preset leads to: its set-up with one's own pictures; pressed again, with the preset's."""
    kept = keep_uploads(experiment, before)
    return copy.deepcopy(experiment) if before == kept else kept


def keep_uploads(experiment: JSON, before: JSON) -> JSON:
    """Returns a preset's set-up with the uploaded pictures of the one before, if it takes as many."""
    after = copy.deepcopy(experiment)
    uploaded = all(reference.startswith("upload:") for reference in before["images"])
    if uploaded and len(before["images"]) == len(after["images"]):
        known = max(before["labels"] or [0]) < after["classes"]
        after |= {"images": before["images"], "labels": before["labels"] if known else None}
    return after
