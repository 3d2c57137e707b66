"""Small print that can still be read from the last row."""

from __future__ import annotations

import streamlit as st


def note(text: str) -> None:
    """A smaller line in the full colour of the text; `st.caption` fades it."""
    st.markdown(f":small[{text}]")
