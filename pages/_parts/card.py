"""A run as a small card: out of view, and one press away."""

from __future__ import annotations

from datetime import datetime

from gradleak_core.types import JSON
from gradleak_core.verdicts import UNFINISHED
from pages._parts import setup
from pages._parts.history import thumbnail
from pages._parts.picture_button import picture_button
from pages._parts.speaking import st
from pages._parts.texts import escaped, note


def card(heading: str, run: JSON, name: str = "", iteration: int | None = None) -> None:
    """Shows a run by its picture at an iteration, the last one without it, and by its name and time.

    Pressing the picture or the name shows the run and its set-up. `name` tells several cards on one page apart.
    """
    wanted = (run["experiment"], run["id"])
    when = "still going" if run["status"] in UNFINISHED else f"{datetime.fromtimestamp(run['created']):%d %b, %H:%M}"
    st.subheader(heading)
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall", key=f"card{name}"):
        picture_button(thumbnail(run, iteration), width=64, key=f"card-picture{name}", on_click=setup.take, args=wanted)
        with st.container(gap=None):
            st.button(escaped(run["name"]), key=f"show{name}", width="stretch", on_click=setup.take, args=wanted)
            note(when)
