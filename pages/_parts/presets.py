"""Set-ups to start from, each with its picture and what it promises."""

from __future__ import annotations

import copy
from typing import Any

import streamlit as st

from pages._parts import setup
from pages._parts.engine import catalogue
from pages._parts.pictures import sheet, thumbnail

JSON = Any
FREE = ("images", "labels", "seed")
"""What may differ from a preset without making its promise void."""


def presets() -> None:
    """A row each: picture, title as a button, promise."""
    current = matching(setup.current())
    for preset in catalogue()["presets"]:
        with st.container(horizontal=True, wrap=False, gap="xsmall", vertical_alignment="center"):
            st.image(picture(preset["experiment"]["images"]), width=40, alt="")
            st.button(
                f"**{preset['title']}**  \n{preset['promise']}",
                key=f"preset:{preset['name']}",
                width="stretch",
                wrap=True,
                type="primary" if preset is current else "secondary",
                on_click=choose,
                args=(preset["experiment"],),
            )


def picture(references: list[str]) -> str:
    """One picture, or the first four of a batch as one."""
    return thumbnail(references[0]) if len(references) == 1 else sheet(tuple(references[:4]))


def choose(experiment: JSON) -> None:
    """The whole set-up becomes the preset's."""
    setup.replace(copy.deepcopy(experiment))


def matching(experiment: JSON) -> JSON | None:
    """The preset that this set-up is, whatever its pictures and seed."""
    for preset in catalogue()["presets"]:
        same = len(preset["experiment"]["images"]) == len(experiment["images"])
        if same and _core(preset["experiment"]) == _core(experiment):
            return preset
    return None


def _core(experiment: JSON) -> JSON:
    return {key: value for key, value in experiment.items() if key not in FREE}
