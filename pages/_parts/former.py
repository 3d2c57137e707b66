"""The run that was on show before the set-up was changed: off the stage, and a press away."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages._parts import setup
from pages._parts.texts import escaped

JSON = Any


def former(run: JSON) -> None:
    """Says that the run of another set-up is kept or goes on, and offers to show it with its set-up."""
    going_on = run["status"] in ("queued", "running", "paused")
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        said = "still goes on" if going_on else "is kept"
        st.markdown(f"The run before {said}: **{escaped(run['name'])}**.", width="content")
        back = (run["experiment"], run["id"])
        st.button("Show it again", icon=":material/undo:", key="former", on_click=setup.replace, args=back)
