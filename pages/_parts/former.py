"""The run that was shown before the set-up changed: out of view, and one press away."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages._parts import setup
from pages._parts.texts import escaped

JSON = Any


def former(run: JSON) -> None:
    """Says that the run of another set-up is kept or still going, and offers to show it with its set-up."""
    going_on = run["status"] in ("queued", "running", "paused")
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        said = "is still going" if going_on else "is kept"
        st.markdown(f"The previous run {said}: **{escaped(run['name'])}**.", width="content")
        back = (run["experiment"], run["id"])
        st.button("Show it again", icon=":material/undo:", key="former", on_click=setup.replace, args=back)
