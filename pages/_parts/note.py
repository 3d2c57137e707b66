"""Small print that can still be read from the last row."""

from __future__ import annotations

import streamlit as st


def note(text: str) -> None:
    """Shows a smaller line in the full colour of the text, which `st.caption` would fade."""
    st.markdown(f":small[{text}]")
