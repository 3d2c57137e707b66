"""Takes the reader to the top of what is new on a page, which Streamlit does for another page only."""

from __future__ import annotations

import streamlit as st

JS = """
const seen = new Set();
export default function ({ data: [name], parentElement }) {
  if (seen.has(name)) return;
  seen.add(name);
  (parentElement.host ?? parentElement).scrollIntoView({ block: "center" });
}
"""

_mount = st.components.v2.component("gradleak_scrolling", html="<span></span>", js=JS)


def scroll_here(name: str) -> None:
    """Brings this place of the page into view, once for each name."""
    # In a list, because Streamlit looks for tables among the values of a dict and imports pandas for it.
    _mount(data=[name], key="scrolling", height=1)
